package main

import "strings"

// examples is what --help says after a command's flags; a test runs each line.
func examples(lines ...string) string {
	return "Examples:\n\n    " + strings.Join(lines, "\n    ")
}

// Help implements kong.HelpProvider.
func (commands) Help() string {
	return `Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted.

Answers go to standard output; errors, in one line, and progress to standard error. Bars and colours are for terminals: where
output is piped there are none. NO_COLOR=1 turns colours off.`
}

// Help implements kong.HelpProvider.
func (*generateCmd) Help() string {
	return examples(
		`mlx generate --model smollm2 --prompt "Why is the sky blue?" --max-tokens 8`,
		`echo "2+2?" | mlx generate --model ./model.gguf --prompt - --max-tokens 8 --temp 0.7 --seed 1`,
		`mlx generate --model smollm2 --raw -p "Once upon a time" --max-tokens 8 --stats --json`)
}

// Help implements kong.HelpProvider.
func (*templateCmd) Help() string {
	return examples(
		`mlx template --model smollm2 --prompt "2+2?"`,
		`mlx template --template chatml --messages chat.json --json`)
}

// Help implements kong.HelpProvider.
func (*tokenizeCmd) Help() string {
	return examples(
		`mlx tokenize --model smollm2 "Why is the sky blue?"`,
		`mlx tokenize --model smollm2 --decode "19556 28 905"`,
		`mlx tokenize --model smollm2 --count - < notes.txt`)
}

// Help implements kong.HelpProvider.
func (*infoCmd) Help() string {
	return examples(
		`mlx info --model smollm2`,
		`mlx info --model ./model.gguf --context 32768 --tensors`,
		`mlx info --config config.json --json`)
}

// Help implements kong.HelpProvider.
func (*perplexityCmd) Help() string {
	return "The figures are those of mlx_lm.perplexity: the same tokens, in the same order for a seed.\n\n" + examples(
		`mlx perplexity --model smollm2 --text notes.txt --sequence-length 16`,
		`mlx perplexity --model smollm2 --text notes.jsonl --num-samples 2 --sequence-length 16 --json`)
}

// Help implements kong.HelpProvider.
func (*benchCmd) Help() string {
	return "Of each figure the median of the runs is told, with their standard deviation.\n\n" + examples(
		`mlx bench --model smollm2 -p 16 -n 4 -r 2`,
		`mlx bench --config config.json -p 16 -n 4 -b 4 --json`)
}

// Help implements kong.HelpProvider.
func (*setupCmd) Help() string {
	return examples(
		`mlx setup                      # needs a network`,
		`mlx setup --backend cuda       # needs a network`,
		`mlx setup --json               # needs a network`)
}

// Help implements kong.HelpProvider.
func (*doctorCmd) Help() string {
	return examples(`mlx doctor`, `mlx doctor --model smollm2 --context 1024`, `mlx doctor --json`)
}

// Help implements kong.HelpProvider.
func (*versionCmd) Help() string { return examples(`mlx version`) }
