// Package parse turns the bytes of a request into a tree of points.
//
// A point is a place in a request, as a path of parsers: the JSON member
// "user" of the body is post.json.user, and the XML element inside its
// base64 text is post.json.user.base64.xml.tag. The bytes at a point are
// its value. Every value is sniffed, decoded by every plausible decoder
// and handed to the visitor raw as well, until the budget is spent.
package parse

// Kind is one step of a point: a part of the request, or a parser.
type Kind uint8

// The steps of a point. The first group are the base points of a request;
// the second are containers that a value may hold; the third select inside
// the container before them.
const (
	None Kind = iota

	URI        // the request target as sent
	Path       // one segment of the path; Index counts from 0
	ActionName // last path segment up to its first dot
	ActionExt  // the rest of the last path segment
	Get        // a query parameter; Key is its name
	GetName    // the name itself of a query parameter
	Header     // a header field; Key is its upper-cased name
	HeaderName // the name itself of a header field
	Post       // the body

	Form      // application/x-www-form-urlencoded
	Multipart // multipart/form-data, mixed, related
	JSON
	XML
	GraphQL
	GRPC
	Protobuf
	Cookie
	Base64 // standard and URL alphabets
	Hex
	Percent
	HTMLJS // HTML character references, JavaScript escapes, and tags inside words
	Gzip   // gzip, zlib, deflate, and registered decoders
	JWT
	ViewState
	Pollution // repeated parameters, joined
	Charset   // UTF-7, UTF-16, EBCDIC, quoted-printable, overlong and full-width forms, read as UTF-8

	Hash     // a named member; Key is its name
	HashName // the name itself of a member
	Array    // an element; Index counts from 0
	File     // the content of an uploaded file
	FileName // the name of an uploaded file
	Tag      // an XML element; Key is its name
	Attr     // an XML attribute; Key is its name
	Comment  // an XML comment; Index counts from 0
	PI       // an XML processing instruction; Index counts from 0
	DTD      // an XML document type declaration
	Entity   // an entity declaration; Key is its name

	// Kinds are stored by number: what came later stands here.
	Archive  // zip and tar, whose members are files
	Calendar // iCalendar and vCard

	numKinds
)

// keyed reports whether steps of kind k are told apart by their Key.
func (k Kind) keyed() bool { return shapes[k] == byKey }

// indexed reports whether steps of kind k are told apart by their Index.
func (k Kind) indexed() bool { return shapes[k] == byIndex }

// container reports whether k is a format that a value is written in.
func (k Kind) container() bool { return Form <= k && k < Hash || k >= Archive }

// parted reports whether k is a container whose parts are points.
func (k Kind) parted() bool { return Form <= k && k <= Cookie || k >= Archive }

type shape uint8

const (
	plain shape = iota
	byKey
	byIndex
)

var shapes = [numKinds]shape{
	Path: byIndex, Get: byKey, Header: byKey,
	Hash: byKey, Array: byIndex, Tag: byKey, Attr: byKey, Comment: byIndex, PI: byIndex, Entity: byKey,
}

var kindNames = [numKinds]string{
	URI: "uri", Path: "path", ActionName: "action_name", ActionExt: "action_ext",
	Get: "get", GetName: "get_name", Header: "header", HeaderName: "header_name", Post: "post",
	Form: "form", Multipart: "multipart", JSON: "json", XML: "xml", GraphQL: "graphql", GRPC: "grpc",
	Protobuf: "protobuf", Cookie: "cookie", Base64: "base64", Hex: "hex", Percent: "percent",
	HTMLJS: "htmljs", Gzip: "gzip", JWT: "jwt", ViewState: "viewstate", Pollution: "pollution",
	Charset: "charset", HashName: "hash_name", File: "file", FileName: "file_name", Comment: "comment", PI: "pi",
	DTD: "dtd", Entity: "entity", Archive: "archive", Calendar: "ical",
}

// String returns the word that stands for k in a rendered point, empty for
// the kinds that are rendered as their name or index alone.
func (k Kind) String() string { return kindNames[k] }

// A Step is one element of a point. Key and Index are used as Kind says.
type Step struct {
	Kind  Kind
	Key   []byte
	Index int32
}
