// Package models loads language models and runs them. Load takes a Hugging Face
// folder or a GGUF file; what it returns generates text.
//
// Each architecture is one file named after its model_type in config.json. It
// reads like the reference implementation: configuration, attention, MLP,
// block, model. To add one, write that file, add its line to the table in
// registry.go and a test with a tiny random configuration: CONTRIBUTING.md
// shows the steps.
package models
