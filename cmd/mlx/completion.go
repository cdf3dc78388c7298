package main

import (
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help implements kong.HelpProvider.
func (*completionCmd) Help() string {
	return "Print a script for the shell to read: when it starts, or from where it keeps such files.\n\n" + examples(
		`mlx completion bash > mlx.bash       # then: source mlx.bash, in .bashrc`,
		`mlx completion zsh > _mlx            # in a folder of $fpath`,
		`mlx completion fish > mlx.fish       # in ~/.config/fish/completions`)
}

// Run prints the script for a shell.
func (k *completionCmd) Run(c *console, ctx *kong.Context) error {
	write := map[string]func([]completed) string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[k.Shell]
	_, err := io.WriteString(c.out, write(completedCommands(ctx.Model)))
	return err
}

// completed is a command as a shell completes it.
type completed struct {
	name, help string
	flags      []completedFlag
	values     []string // of its argument
}

type completedFlag struct {
	name, help string // name without dashes
	short      string
	value      bool     // takes one
	number     bool     // which is no file's name
	values     []string // that it takes; nil for any
}

func completedCommands(app *kong.Application) []completed {
	var list []completed
	for _, node := range app.Leaves(true) {
		c := completed{name: node.Name, help: node.Help}
		for _, f := range node.AllFlags(true) {
			for _, f := range f {
				flag := completedFlag{name: f.Name, help: f.Help, value: !f.IsBool(), number: isNumber(f.Value), values: enumOf(f.Value)}
				if f.Short != 0 {
					flag.short = string(f.Short)
				}
				c.flags = append(c.flags, flag)
			}
		}
		for _, arg := range node.Positional {
			c.values = append(c.values, enumOf(arg)...)
		}
		list = append(list, c)
	}
	return list
}

func isNumber(v *kong.Value) bool {
	kind := v.Target.Kind()
	return kind >= reflect.Int && kind <= reflect.Float64
}

// enumOf are the values that a flag is limited to.
func enumOf(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	var list []string
	for _, name := range v.EnumSlice() {
		if name != "" {
			list = append(list, name)
		}
	}
	return list
}

// words joins the names of a list's items.
func words[T any](list []T, name func(T) string) string {
	var names []string
	for _, item := range list {
		names = append(names, name(item))
	}
	return strings.Join(names, " ")
}

func bashCompletion(commands []completed) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# bash completion of mlx
_mlx() {
	local word="${COMP_WORDS[COMP_CWORD]}" before="${COMP_WORDS[COMP_CWORD-1]}" offer=
	if [ "$before" = "=" ]; then before="${COMP_WORDS[COMP_CWORD-2]}"; fi
	if [ "$word" = "=" ]; then before="${COMP_WORDS[COMP_CWORD-1]}" word=; fi
	if [ "$COMP_CWORD" -eq 1 ]; then
		COMPREPLY=($(compgen -W "%s" -- "$word"))
		return
	fi
	case "${COMP_WORDS[1]} $before" in
`, words(commands, func(c completed) string { return c.name })+" --help")
	for _, c := range commands {
		for _, f := range c.flags {
			if len(f.values) > 0 {
				fmt.Fprintf(&b, "\t%q) offer=%q ;;\n", c.name+" --"+f.name, strings.Join(f.values, " "))
			}
		}
	}
	b.WriteString("\t*) case \"${COMP_WORDS[1]} $word\" in\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "\t\t\"%s -\"*) offer=%q ;;\n", c.name, words(c.flags, func(f completedFlag) string { return "--" + f.name }))
		if len(c.values) > 0 {
			fmt.Fprintf(&b, "\t\t\"%s \"*) offer=%q ;;\n", c.name, strings.Join(c.values, " "))
		}
	}
	b.WriteString(`		esac ;;
	esac
	if [ -n "$offer" ]; then
		COMPREPLY=($(compgen -W "$offer" -- "$word"))
	fi
}
complete -o default -F _mlx mlx
`)
	return b.String()
}

func zshCompletion(commands []completed) string {
	var b strings.Builder
	b.WriteString("#compdef mlx\n\n_mlx() {\n\tlocal -a commands\n\tcommands=(\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "\t\t%s\n", quoted(c.name+":"+c.help))
	}
	b.WriteString("\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe command commands\n\t\treturn\n\tfi\n\tlocal command=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $command in\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "\t%s)\n\t\t_arguments", c.name)
		for _, f := range c.flags {
			for _, spec := range zshSpecs(f) {
				fmt.Fprintf(&b, " \\\n\t\t\t%s", quoted(spec))
			}
		}
		rest := "_files"
		if len(c.values) > 0 {
			rest = "(" + strings.Join(c.values, " ") + ")"
		}
		fmt.Fprintf(&b, " \\\n\t\t\t%s ;;\n", quoted("*:argument:"+rest))
	}
	b.WriteString("\tesac\n}\n\n_mlx \"$@\"\n")
	return b.String()
}

// zshSpecs are a flag as _arguments wants it, its short name for itself.
func zshSpecs(f completedFlag) []string {
	text := "[" + strings.NewReplacer("[", "(", "]", ")", ":", ";").Replace(f.help) + "]"
	long, short := "--"+f.name, "-"+f.short
	if f.value {
		action := "_files"
		switch {
		case f.number:
			action = " "
		case len(f.values) > 0:
			action = "(" + strings.Join(f.values, " ") + ")"
		}
		text += ":" + f.name + ":" + action
		long, short = long+"=", short+"+"
	}
	if f.short == "" {
		return []string{long + text}
	}
	either := "(-" + f.short + " --" + f.name + ")"
	return []string{either + long + text, either + short + text}
}

func fishCompletion(commands []completed) string {
	var b strings.Builder
	b.WriteString("# fish completion of mlx\n")
	for _, c := range commands {
		fmt.Fprintf(&b, "complete -c mlx -n __fish_use_subcommand -f -a %s -d %s\n", c.name, quoted(c.help))
		seen := quoted("__fish_seen_subcommand_from " + c.name)
		for _, f := range c.flags {
			fmt.Fprintf(&b, "complete -c mlx -n %s -l %s", seen, f.name)
			if f.short != "" {
				fmt.Fprintf(&b, " -s %s", f.short)
			}
			switch {
			case len(f.values) > 0:
				fmt.Fprintf(&b, " -x -a %s", quoted(strings.Join(f.values, " ")))
			case f.number:
				b.WriteString(" -x")
			case f.value:
				b.WriteString(" -r")
			}
			fmt.Fprintf(&b, " -d %s\n", quoted(f.help))
		}
		if len(c.values) > 0 {
			fmt.Fprintf(&b, "complete -c mlx -n %s -f -a %s\n", seen, quoted(strings.Join(c.values, " ")))
		}
	}
	return b.String()
}

// quoted is a word of a shell's, in single quotes.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
