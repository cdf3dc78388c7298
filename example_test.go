package mlx_test

import (
	"fmt"
	"log"

	mlx "forge.lthn.ai/core/go-mlx"
)

// The short form: load a model, ask it, print the answer as it comes. The file
// here is SmolLM2-135M-Instruct, 98 MB.
func Example() {
	m, err := mlx.LoadModel(smolLM2())
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	question := []mlx.Message{mlx.System("You answer in one word."), mlx.User("What is the capital of France?")}
	for tok, err := range m.Chat(question) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(tok.Text)
		if tok.Finish != "" {
			fmt.Println()
			fmt.Println(tok.Finish, "after", tok.Stats.GeneratedTokens, "tokens, the last one not of the text")
		}
	}
	// Output:
	// The capital of France is Paris.
	// stop after 8 tokens, the last one not of the text
}

// Generate continues a text as it is.
func ExampleModel_Generate() {
	m, err := mlx.LoadModel(smolLM2())
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	fmt.Print("Water boils at")
	for tok := range m.Generate("Water boils at", mlx.WithMaxTokens(6)) {
		fmt.Print(tok.Text)
	}
	// Output: Water boils at 100°C
}

// A file that cannot be loaded is named in the error.
func ExampleLoadModel() {
	_, err := mlx.LoadModel("./models/nowhere")
	fmt.Println(err)
	// Output: models: load ./models/nowhere: stat ./models/nowhere: no such file or directory
}
