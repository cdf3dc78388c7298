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
	var known []string
	for kind, names := range ggufNames {
		if slices.Contains(names, name) {
			return newPipeline(kind), nil
		}
		known = append(known, names...)
	}
	slices.Sort(known)
	return ggufPipeline{}, fmt.Errorf("%s: unknown pre-tokenizer %q (known: %s)", ggufPre, name, strings.Join(known, ", "))
}

func newPipeline(kind string) ggufPipeline {
	t := classes()
	scan := func(list ...scanner) preTokenizer {
		var all preTokenizerSequence
		for _, s := range list {
			all = append(all, splitter{pattern: scanPattern{s, t}, behavior: isolated})
		}
		return append(all, &byteLevel{})
	}
	gpt2 := &byteLevel{pattern: scanPattern{scanGPT2, t}}
	nfc := unicodeForm{compose: true}
	switch kind {
	case "oneDigit":
		digit := splitter{pattern: classPattern{numeric, t}, behavior: isolated}
		return ggufPipeline{split: preTokenizerSequence{digit, gpt2}}
	case "llama3":
		return ggufPipeline{split: scan(scanLlama3), ignoreMerges: true, bos: true}
	case "cl100k":
		return ggufPipeline{split: scan(scanLlama3)}
	case "qwen2":
		return ggufPipeline{split: scan(scanQwen2), normalize: nfc}
	case "qwen35":
		return ggufPipeline{split: scan(scanQwen35), normalize: nfc}
	case "words":
		return ggufPipeline{split: scan(scanQwen2)}
	case "o200k":
		return ggufPipeline{split: scan(scanO200k), ignoreMerges: true}
	case "tekken":
		return ggufPipeline{split: scan(scanTekken), ignoreMerges: true, bos: true}
	case "deepseek":
		return ggufPipeline{split: scan(scanDigits3, scanCJK, scanDeepSeek)}
	}
	return ggufPipeline{split: gpt2}
}
