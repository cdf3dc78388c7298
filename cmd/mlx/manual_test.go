package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite docs/cli.md")

const manualPath = "../../docs/cli.md"

// docs/cli.md says what the commands say of themselves.
func TestManual(t *testing.T) {
	parser, err := newParser(&commands{})
	require.NoError(t, err)
	text := manual(parser.Model)
	if *update {
		require.NoError(t, os.WriteFile(manualPath, []byte(text), 0o644))
	}
	old, err := os.ReadFile(manualPath)
	require.NoError(t, err)
	require.Equal(t, text, string(old), "docs/cli.md is stale: go test ./cmd/mlx -run TestManual -update")
}

// Every command tells examples, and of every flag what it is for.
func TestManualIsWhole(t *testing.T) {
	parser, err := newParser(&commands{})
	require.NoError(t, err)
	for _, node := range parser.Model.Leaves(true) {
		require.Contains(t, node.Detail, "mlx "+node.Name, "examples of %s", node.Name)
		require.NotEmpty(t, node.Help, node.Name)
		for _, f := range node.Flags {
			require.True(t, strings.HasSuffix(f.Help, ".") || strings.HasSuffix(f.Help, ")."), "%s --%s: %q", node.Name, f.Name, f.Help)
		}
		o := call(t, "", node.Name, "--help")
		require.Equal(t, 0, o.code)
		require.Contains(t, o.out, "    mlx "+node.Name, "--help shows the examples as they are")
	}
}

// manual writes the commands as Markdown.
func manual(app *kong.Application) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# mlx\n\n<!-- written by `go test ./cmd/mlx -run TestManual -update`: change the commands instead -->\n\n%s\n\n%s\n", app.Help, app.Detail)
	for _, node := range app.Leaves(true) {
		fmt.Fprintf(&b, "\n## mlx %s\n\n%s\n", node.Name, node.Help)
		if node.Detail != "" {
			fmt.Fprintf(&b, "\n%s\n", node.Detail)
		}
		if len(node.Positional)+len(node.Flags) == 0 {
			continue
		}
		b.WriteString("\n| flag | default | |\n|:--|:--|:--|\n")
		for _, arg := range node.Positional {
			fmt.Fprintf(&b, "| %s | | %s |\n", code(arg.Summary()), cell(arg.Help))
		}
		for _, f := range node.Flags {
			if f.Hidden || f.Name == "help" {
				continue
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", code(flagName(f)), code(f.Default), cell(f.Help))
		}
	}
	return b.String()
}

func flagName(f *kong.Flag) string {
	name := "--" + f.Name
	if f.Short != 0 {
		name = "-" + string(f.Short) + ", " + name
	}
	if !f.IsBool() {
		name += "=" + strings.ToUpper(kindOf(f))
	}
	return name
}

// kindOf names a flag's value.
func kindOf(f *kong.Flag) string {
	if f.PlaceHolder != "" {
		return f.PlaceHolder
	}
	switch f.Target.Kind().String() {
	case "int", "uint64", "uint32":
		return "n"
	case "float64":
		return "x"
	case "slice":
		return "value,..."
	}
	return f.Name
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
