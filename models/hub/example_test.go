package hub_test

import (
	"fmt"

	"forge.lthn.ai/core/go-mlx/models/hub"
)

// Names say which revision and which file, as users of other programs write them.
func ExampleParseRef() {
	for _, s := range []string{"org/name", "org/name@v1.0", "hf.co/org/name:Q4_K_M", "../name"} {
		r, err := hub.ParseRef(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Printf("%s, revision %q, file %q\n", r.Repo, r.Revision, r.File)
	}
	// Output:
	// org/name, revision "", file ""
	// org/name, revision "v1.0", file ""
	// org/name, revision "", file "Q4_K_M"
	// hub: "../name" is no name of a model: org/name of letters, digits, - _ and . is the form
}
