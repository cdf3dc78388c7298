package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/testmodels"
	"forge.lthn.ai/core/go-mlx/templates"
)

// commandLine matches a line of a document that runs mlx, alone or behind a pipe.
var commandLine = regexp.MustCompile(`^(    |)((?:[^|#]+\| )?mlx [a-z].*)$`)

// documented are the command lines in a document: in blocks, indented or fenced.
func documented(text string) []string {
	var lines []string
	fenced := false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
			continue
		}
		if m := commandLine.FindStringSubmatch(line); m != nil && (fenced || m[1] != "") {
			lines = append(lines, m[2])
		}
	}
	return lines
}

// Every command line in README.md and docs works as it stands there, in a folder
// with the files that they name. Those that say that they need a network or a GPU
// are skipped.
func TestDocumentedCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a real model")
	}
	if runtime.GOOS == "windows" {
		t.Skip("the lines are for a shell")
	}
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	seen := map[string]bool{}
	dir := exampleFolder(t)
	for _, path := range append(files, "../../README.md") {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, line := range documented(string(text)) {
			command, _, _ := strings.Cut(line, "  #")
			if command = strings.TrimSpace(command); seen[command] {
				continue // another page has it
			}
			seen[command] = true
			t.Run(filepath.Base(path)+": "+line, func(t *testing.T) { runDocumented(t, dir, line) })
		}
	}
	require.Greater(t, len(seen), 15)
}

func runDocumented(t *testing.T, dir, line string) {
	if _, needs, ok := strings.Cut(line, "# needs "); ok {
		t.Skip("needs " + needs)
	}
	cmd := exec.CommandContext(t.Context(), "sh", "-c", bounded(line))
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), beMLX+"=1", "PATH="+dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	if lib := os.Getenv("GO_MLX_LIBRARY_PATH"); lib == "" {
		cmd.Env = append(cmd.Env, "GO_MLX_LIBRARY_PATH="+prefix(t))
	}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Fatalf("%v: %s", err, exit.Stderr)
	}
	require.NoError(t, err)
	if _, file, ok := strings.Cut(line, " > "); ok {
		out, err = os.ReadFile(filepath.Join(dir, strings.Fields(file)[0]))
		require.NoError(t, err)
	}
	if !strings.HasPrefix(line, "mlx list") { // where nothing was downloaded it prints nothing
		require.NotEmpty(t, out)
	}
}

// bounded is the line with few tokens to generate, where it does not say how many.
func bounded(line string) string {
	if strings.Contains(line, "mlx generate ") && !strings.Contains(line, "--max-tokens") {
		return strings.Replace(line, "mlx generate ", "mlx generate --max-tokens 4 ", 1)
	}
	return line
}

// exampleFolder holds the program and the files that the documents name.
func exampleFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	exe, err := os.Executable()
	require.NoError(t, err)
	require.NoError(t, os.Symlink(exe, filepath.Join(dir, "mlx")))
	require.NoError(t, os.Symlink(testmodels.RequireSmolLM2(t), filepath.Join(dir, "model.gguf")))
	chatml, err := templates.Named("chatml")
	require.NoError(t, err)
	config, err := os.ReadFile(tinyConfig)
	require.NoError(t, err)
	lines, err := os.ReadFile(rows)
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "data"), 0o755))
	few := strings.Repeat(`{"prompt": "2+2?", "completion": "4"}`+"\n", 4)
	for name, text := range map[string]string{
		"data/train.jsonl":    few,
		"data/valid.jsonl":    few,
		"lora.yaml":           "iters: 2\nbatch_size: 2\nnum_layers: 2\n",
		"chat.json":           `[{"role": "user", "content": "2+2?"}]`,
		"tools.json":          `[{"type": "function", "function": {"name": "weather"}}]`,
		"chat_template.jinja": chatml.Source(),
		"config.json":         string(config),
		"notes.txt":           strings.Repeat("The tide comes in and goes out again. ", 8),
		"notes.jsonl":         string(lines),
	} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

func TestDocumentedLinesAreFound(t *testing.T) {
	require.Equal(t, []string{"mlx version", `echo "a" | mlx generate -p -`, "mlx doctor # x"},
		documented("text mlx run\nmlx not in a block\n\n    mlx version\n    echo \"a\" | mlx generate -p -\n    go run mlx\n```sh\nmlx doctor # x\n```\n"))
}
