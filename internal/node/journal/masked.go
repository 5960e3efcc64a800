//go:build !gabion_unmasked

package journal

// unmasked is true only in the build that the privacy test makes to prove
// that it would notice: there, hits carry the whole request.
const unmasked = false
