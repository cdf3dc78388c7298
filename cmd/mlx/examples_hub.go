package main

// Help implements kong.HelpProvider.
func (*pullCmd) Help() string {
	return examples(`mlx pull HuggingFaceTB/SmolLM2-135M-Instruct   # needs a network`)
}

// Help implements kong.HelpProvider.
func (*listCmd) Help() string { return examples(`mlx list`) }

// Help implements kong.HelpProvider.
func (*rmCmd) Help() string {
	return examples(`mlx rm HuggingFaceTB/SmolLM2-135M-Instruct     # needs a network: a model that was pulled`)
}
