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
	interactsh burpcollaborator fhscan grendel metis mysqloit sipvicious sundayddr tsunami webshag wprecon whcc`

var toolNames = lexicon.New(tools)

const toolGateWords = tools

// scannerTool finds the name of an attack scanner in the User-Agent.
func (s *Scanner) scannerTool(v []byte, w Where) {
	if w.Place != InUserAgent {
		return
	}
	var best lead
	for i := 0; i < len(v); {
		if !isLetter(v[i]) {
			i++
			continue
		}
		j := run(v, i, len(v), isToolName)
		word := bytes.TrimRight(v[i:j], "-.0123456789")
		if toolNames.Has(word) {
			best.offer(0.92, i, i+len(word), "The client calls itself by the name of an attack scanner.")
		}
		i = j
	}
	s.follow(ScannerTool, v, best, toolNames)
}

func isToolName(c byte) bool { return isLetter(c) || isDigit(c) || c == '-' }
