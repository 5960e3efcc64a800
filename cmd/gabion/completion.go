package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/gabionhq/gabion/internal/program"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is shown by gabion completion --help.
func (completionCmd) Help() string {
	return `bash: source <(gabion completion bash)
zsh:  source <(gabion completion zsh)
fish: gabion completion fish | source`
}

// Run prints the script for a shell.
func (c *completionCmd) Run(k *kong.Kong, std program.Stdio) error {
	scripts := map[string]func(io.Writer, *kong.Node) error{
		"bash": completeBash, "zsh": completeZsh, "fish": completeFish,
	}
	return scripts[c.Shell](std.Out, k.Model.Node)
}

// words lists what may follow a command: its commands and its flags.
func words(n *kong.Node) []string {
	var out []string
	for _, child := range n.Children {
		if !child.Hidden {
			out = append(out, child.Name)
		}
	}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			out = append(out, "--"+f.Name)
		}
	}
	return out
}

// eachCommand calls f for n and all commands below it; path is what is typed
// after the program's name.
func eachCommand(n *kong.Node, path []string, f func(n *kong.Node, path []string)) {
	f(n, path)
	for _, child := range n.Children {
		if !child.Hidden {
			eachCommand(child, append(path[:len(path):len(path)], child.Name), f)
		}
	}
}

func completeBash(w io.Writer, root *kong.Node) error {
	var cases strings.Builder
	eachCommand(root, nil, func(n *kong.Node, path []string) {
		fmt.Fprintf(&cases, "\t\t%q) words=%q ;;\n", strings.Join(path, " "), strings.Join(words(n), " "))
	})
	_, err := fmt.Fprintf(w, `_gabion() {
	local path="" word words
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word == -* ]] || path="${path:+$path }$word"
	done
	case "$path" in
%s		*) words="" ;;
	esac
	COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))
	[[ ${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _gabion gabion
`, cases.String())
	return err
}

func completeZsh(w io.Writer, root *kong.Node) error {
	if _, err := io.WriteString(w, "autoload -U +X bashcompinit && bashcompinit\n"); err != nil {
		return err
	}
	return completeBash(w, root)
}

func completeFish(w io.Writer, root *kong.Node) error {
	var b strings.Builder
	quote := func(s string) string { return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'" }
	eachCommand(root, nil, func(n *kong.Node, path []string) {
		when := "__fish_use_subcommand"
		if len(path) > 0 {
			when = "__fish_seen_subcommand_from " + path[len(path)-1]
		}
		for _, child := range n.Children {
			if !child.Hidden {
				fmt.Fprintf(&b, "complete -c gabion -n %s -f -a %s -d %s\n", quote(when), child.Name, quote(child.Help))
			}
		}
		for _, f := range n.Flags {
			fmt.Fprintf(&b, "complete -c gabion -n %s -l %s -d %s\n", quote(when), f.Name, quote(f.Help))
		}
	})
	_, err := io.WriteString(w, b.String())
	return err
}
