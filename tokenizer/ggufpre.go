package tokenizer

import (
	"fmt"
	"slices"
	"strings"
)

// ggufPipeline is what a name in tokenizer.ggml.pre stands for.
type ggufPipeline struct {
	normalize    normalizer
	split        preTokenizer
	ignoreMerges bool
	bos          bool // written before a text unless the file says otherwise
}

// ggufNames gives the names of one pipeline, as llama.cpp's llama-vocab.cpp has them.
var ggufNames = map[string][]string{
	"gpt2": {
		"gpt-2", "phi-2", "mpt", "olmo", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "gigachat", "a.x-4.0", "mellum",
		"exaone4", "jais", "trillion", "granite-docling",
	},
	"oneDigit": {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"},
	"llama3":   {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"},
	"cl100k":   {"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"},
	"qwen2":    {"qwen2", "deepseek-r1-qwen"},
	"qwen35":   {"qwen35"},
	"words":    {"stablelm2", "kormo", "f2llmv2", "megrez", "hunyuan", "solar-open", "grok-2"},
	"o200k":    {"gpt-4o", "llama4", "kanana2"},
	"tekken":   {"tekken"},
	"deepseek": {"deepseek-v3", "hunyuan-dense", "joyai-llm"},
}

// ggufPipelineOf returns the pipeline of a name. It is that of the tokenizer.json
// of these models: llama.cpp's own patterns only come near some of them.
func ggufPipelineOf(name string) (ggufPipeline, error) {
	if kind := ggufKindOf(name); kind != "" {
		return newPipeline(kind), nil
	}
	var known []string
	for _, names := range ggufNames {
		known = append(known, names...)
	}
	slices.Sort(known)
	return ggufPipeline{}, fmt.Errorf("%s: unknown pre-tokenizer %q (known: %s)", ggufPre, name, strings.Join(known, ", "))
}

// ggufKindOf returns the key of ggufNames under which a name stands, "" for none.
func ggufKindOf(name string) string {
	for kind, names := range ggufNames {
		if slices.Contains(names, name) {
			return kind
		}
	}
	return ""
}

// ggufSplits are the patterns by which pipelines split before the bytes are mapped; those that are not there split as GPT-2.
var ggufSplits = map[string][]string{
	"llama3": {patternLlama3}, "cl100k": {patternLlama3}, "qwen2": {patternQwen2}, "qwen35": {patternQwen35}, "words": {patternQwen2},
	"o200k": {patternO200k}, "tekken": {patternTekken}, "deepseek": {patternDigits3, patternCJK, patternDeepSeek},
}

func newPipeline(kind string) ggufPipeline {
	t := classes()
	p := ggufPipeline{
		ignoreMerges: kind == "llama3" || kind == "o200k" || kind == "tekken",
		bos:          kind == "llama3" || kind == "tekken",
	}
	if kind == "qwen2" || kind == "qwen35" {
		p.normalize = unicodeForm{compose: true}
	}
	var all preTokenizerSequence
	for _, pattern := range ggufSplits[kind] {
		all = append(all, splitter{pattern: scanPattern{scanners[pattern], t}, behavior: isolated})
	}
	switch {
	case all != nil:
		p.split = append(all, &byteLevel{})
	case kind == "oneDigit":
		digit := splitter{pattern: classPattern{numeric, t}, behavior: isolated}
		p.split = preTokenizerSequence{digit, &byteLevel{pattern: scanPattern{scanGPT2, t}}}
	default:
		p.split = &byteLevel{pattern: scanPattern{scanGPT2, t}}
	}
	return p
}
