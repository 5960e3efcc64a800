package main

import (
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"unicode/utf16"
)

// encode writes a payload in one of the suite's encodings.
func encode(encoding, payload string) (string, error) {
	switch encoding {
	case "Plain":
		return payload, nil
	case "URL":
		return url.PathEscape(payload), nil
	case "Base64":
		return base64.StdEncoding.EncodeToString([]byte(payload)), nil
	case "Base64Flat":
		return base64.RawStdEncoding.EncodeToString([]byte(payload)), nil
	case "JSUnicode":
		var b strings.Builder
		for _, u := range utf16.Encode([]rune(payload)) {
			fmt.Fprintf(&b, `\u%04x`, u)
		}
		return b.String(), nil
	case "XMLEntity":
		b, err := xml.Marshal(payload)
		return string(b), err
	}
	return "", fmt.Errorf("unknown encoder: %s", encoding)
}
