package detect

import (
	"bytes"

	"github.com/gabionhq/gabion/engine/internal/lexicon"
)

// whenScannerTool: the words. A User-Agent may be one word alone.
var whenScannerTool = []feature{hasToolWord}

// tools are names that attack scanners give of themselves by default.
const tools = `sqlmap nikto nessus nuclei acunetix arachni havij zgrab masscan nmap dirbuster gobuster ffuf wpscan
	w3af openvas jaeles whatweb netsparker invicti appscan webinspect commix feroxbuster xsser jorgee zmeu morfeus
	dirsearch paros skipfish pangolin bsqlbf wfuzz fimap xspider n-stealth absinthe brutus cgichk dirb joomscan
	libwhisper prowebwalker springenwerk sqlninja sqlbrute webtrends wapiti xray uil2pn vegabot detectify gospider
	interactsh burpcollaborator openvasvt nasl fhscan grendel metis mysqloit sipvicious sundayddr tsunami webshag wprecon whcc`

var toolNames = lexicon.New(tools)

// recorders are services that record who asks for a name below theirs, by
// the first word of the domain.
const recorders = "burpcollaborator oastify oast interact interactsh dnslog ceye requestbin canarytokens"

var recorderNames = lexicon.New(recorders)

const toolGateWords = tools + " fuzz " + recorders

// scannerTool finds the name of an attack scanner in the User-Agent, and in
// any value a host that tells its owner that the attack worked.
func (s *Scanner) scannerTool(v []byte, w *Where) {
	var best lead
	if !w.Container && len(v) <= maxPath {
		recorder(&best, v)
	}
	if w.Place == InUserAgent {
		s.reads(v, readWords)
		clientName(&best, v)
	}
	s.follow(ScannerTool, v, best, toolNames)
}

// recorder judges names below those of recorders: a.oast.fun.
func recorder(best *lead, v []byte) {
	for i := 0; i < len(v); {
		if !isLetter(v[i]) {
			i++
			continue
		}
		j := run(v, i, len(v), isToolName)
		if j < len(v) && v[j] == '.' && i > 1 && v[i-1] == '.' && isToolName(v[i-2]) && recorderNames.Has(v[i:j]) {
			end := run(v, j+1, len(v), isLetter)
			if collaborator(v[i:end]) {
				best.offer(0.75, i, end, "A host is named that records who asks for it, as attack tools use it.")
			}
		}
		i = j
	}
}

func clientName(best *lead, v []byte) {
	for i := 0; i < len(v); {
		if !isLetter(v[i]) && v[i] != '_' {
			i++
			continue
		}
		j := run(v, i, len(v), isCommandByte)
		word := unnumbered(v[i:j])
		dash := bytes.IndexByte(word, '-')
		if toolNames.Has(word) || dash > 0 && toolNames.Has(word[:dash]) || v[i]|0x20 == 'f' && hasPrefixFold(v[i:], "fuzz faster u fool") {
			best.offer(0.92, i, i+len(word), "The client calls itself by the name of an attack scanner.")
		}
		i = j
	}
}

// unnumbered returns a name without the version behind it.
func unnumbered(name []byte) []byte {
	n := len(name)
	for n > 0 && (isDigit(name[n-1]) || name[n-1] == '-' || name[n-1] == '.') {
		n--
	}
	return name[:n]
}

func isToolName(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' }
