//go:build gabion_unmasked

package journal

const unmasked = true
