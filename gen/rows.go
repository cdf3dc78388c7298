package main

import "strings"

// The tables of this file say how each kind of argument and result crosses
// from Go to C: judgement as data. In every cell
//
//	$n  is the Go name of the parameter
//	$t  is its Go type
//	$c  is its C type
//	$o  is the operation, as errors name it

// argRow describes one kind of argument.
type argRow struct {
	goType string   // the type in the Go signature
	check  string   // a Go call returning an error, made before the crossing
	prep   string   // a Go statement before the crossing
	pass   []string // Go expressions, one for each parameter of the shim
	params []string // the shim's parameters
	pre    string   // C statement before the call
	call   []string // C expressions, one for each parameter of the mlx-c function
	post   string   // C statement after the call
}

var argRows = map[string]argRow{
	"handle": {
		goType: "$t",
		pass:   []string{"C.uintptr_t($n.h)"},
		params: []string{"uintptr_t $n"},
		call:   []string{"($c){(void *)$n}"},
	},
	"boxed": { // a handle of two pointers, kept in a box of the shim's
		goType: "$t",
		check:  `checkHandle("$o", "$n", $n.h)`,
		pass:   []string{"C.uintptr_t($n.h)"},
		params: []string{"uintptr_t $n"},
		call:   []string{"*($c *)$n"},
	},
	"handles": {
		goType: "[]$t",
		pass:   []string{"(*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData($n)))", "C.size_t(len($n))"},
		params: []string{"const uintptr_t *$n", "size_t $n_n"},
		pre:    `$c $n_v = gm_has_null($n, $n_n, "$e") ? ($c){0} : p_$c_new_data((const $e *)$n, $n_n);`,
		call:   []string{"$n_v"},
		post:   "p_$c_free($n_v);",
	},
	"strings": {
		goType: "[]string",
		check:  `checkStrings("$o", "$n", $n)`,
		prep:   "$nText := joinStrings($n)",
		pass:   []string{"(*C.char)(unsafe.Pointer(unsafe.SliceData($nText)))", "C.size_t(len($n))"},
		params: []string{"const char *$n", "size_t $n_n"},
		pre:    "mlx_vector_string $n_v = gm_strings($n, $n_n);",
		call:   []string{"$n_v"},
		post:   "p_mlx_vector_string_free($n_v);",
	},
	"stringsdata": {
		goType: "[]string",
		check:  `checkStrings("$o", "$n", $n)`,
		prep:   "$nText := joinStrings($n)",
		pass:   []string{"(*C.char)(unsafe.Pointer(unsafe.SliceData($nText)))", "C.size_t(len($n))"},
		params: []string{"const char *$n", "size_t $n_n"},
		pre:    "const char **$n_v = gm_cstrings($n, $n_n);",
		call:   []string{"$n_v", "$n_n"},
		post:   "free($n_v);",
	},
	"handlesdata": {
		goType: "[]$t",
		pass:   []string{"(*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData($n)))", "C.size_t(len($n))"},
		params: []string{"const uintptr_t *$n", "size_t $n_n"},
		call:   []string{"(const $c *)$n", "$n_n"},
	},
	"arraymap": {
		goType: "map[string]Array",
		check:  `checkKeys("$o", "$n", $n)`,
		prep:   "$nText, $nHandles := splitMap($n)",
		pass:   []string{"(*C.char)(unsafe.Pointer(unsafe.SliceData($nText)))", "(*C.uintptr_t)(unsafe.Pointer(unsafe.SliceData($nHandles)))", "C.size_t(len($n))"},
		params: []string{"const char *$n", "const uintptr_t *$n_h", "size_t $n_n"},
		pre:    "mlx_map_string_to_array $n_v = gm_array_map($n, $n_h, $n_n);",
		call:   []string{"$n_v"},
		post:   "p_mlx_map_string_to_array_free($n_v);",
	},
	"stringmap": {
		goType: "map[string]string",
		check:  `checkPairs("$o", "$n", $n)`,
		prep:   "$nText := joinPairs($n)",
		pass:   []string{"(*C.char)(unsafe.Pointer(unsafe.SliceData($nText)))", "C.size_t(len($n))"},
		params: []string{"const char *$n", "size_t $n_n"},
		pre:    "mlx_map_string_to_string $n_v = gm_string_map($n, $n_n);",
		call:   []string{"$n_v"},
		post:   "p_mlx_map_string_to_string_free($n_v);",
	},
	"numbers": { // const int *, size_t; the cast is for the few that lack the const
		goType: "[]$t",
		pass:   []string{"(*C.$x)(unsafe.Pointer(unsafe.SliceData($n)))", "C.size_t(len($n))"},
		params: []string{"const $c *$n", "size_t $n_n"},
		call:   []string{"($c *)$n", "$n_n"},
	},
	"dims": { // const int *, int
		goType: "[]$t",
		pass:   []string{"(*C.$x)(unsafe.Pointer(unsafe.SliceData($n)))", "C.size_t(len($n))"},
		params: []string{"const $c *$n", "size_t $n_n"},
		call:   []string{"$n", "(int)$n_n"},
	},
	"scalar": {
		goType: "$t",
		pass:   []string{"C.$x($n)"},
		params: []string{"$c $n"},
		call:   []string{"$n"},
	},
	"enum": {
		goType: "$t",
		check:  `checkEnum("$o", "$n", $n)`,
		pass:   []string{"C.int($n)"},
		params: []string{"int $n"},
		call:   []string{"($c)$n"},
	},
	"string": {
		goType: "string",
		check:  `checkString("$o", "$n", $n)`,
		pass:   []string{"(*C.char)(unsafe.Pointer(unsafe.StringData($n)))", "C.size_t(len($n))"},
		params: []string{"const char *$n", "size_t $n_n"},
		pre:    "char $n_b[GM_SHORT]; char *$n_c = gm_cstr($n_b, $n, $n_n);",
		call:   []string{"$n_c"},
		post:   "if ($n_c != $n_b) free($n_c);",
	},
	"nullstring": { // "" is NULL
		goType: "string",
		check:  `checkString("$o", "$n", $n)`,
		pass:   []string{"(*C.char)(unsafe.Pointer(unsafe.StringData($n)))", "C.size_t(len($n))"},
		params: []string{"const char *$n", "size_t $n_n"},
		pre:    "char $n_b[GM_SHORT]; char *$n_c = gm_cstr($n_b, $n, $n_n);",
		call:   []string{"$n_n == 0 ? NULL : $n_c"},
		post:   "if ($n_c != $n_b) free($n_c);",
	},
	"optional": {
		goType: "$t",
		pass:   []string{"C.$x($n.Value)", "C.bool($n.Valid)"},
		params: []string{"$x $n", "bool $n_ok"},
		call:   []string{"($c){$n, $n_ok}"},
	},
	"optionalenum": {
		goType: "$t",
		check:  `checkOptional("$o", "$n", $n)`,
		pass:   []string{"C.int($n.Value)", "C.bool($n.Valid)"},
		params: []string{"int $n", "bool $n_ok"},
		call:   []string{"($c){(mlx_dtype)$n, $n_ok}"},
	},
	"bytes": { // const void *: the caller vouches for the size
		goType: "unsafe.Pointer",
		pass:   []string{"$n"},
		params: []string{"const void *$n"},
		call:   []string{"$n"},
	},
	"self": { // the handle that a setter changes
		pass:   []string{"C.uintptr_t($n.h)"},
		params: []string{"uintptr_t $n"},
		pre:    "$c $n_o = {(void *)$n};",
		call:   []string{"&$n_o"},
	},
}

// outRow describes one kind of result: the words it takes of the shim's
// return value, and how Go reads them ($0, $1, ... are the words).
type outRow struct {
	goType string
	zero   string
	pre    string   // C: declares what the function fills
	call   string   // C: what is passed for it
	post   string   // C: after the call
	words  []string // C expressions of type uintptr_t
	read   string   // Go expression
}

var outRows = map[string]outRow{
	"handle": {
		goType: "$t", zero: "$t{}",
		pre: "$c $n = {0};", call: "&$n", words: []string{"(uintptr_t)$n.ctx"},
		read: "$t{opened(kind$t, uintptr($0))}",
	},
	"boxed": {
		goType: "$t", zero: "$t{}",
		words: []string{"gm_box(&$n, sizeof $n)"},
		read:  "$t{opened(kind$t, uintptr($0))}",
	},
	"scalar": {
		goType: "$t", zero: "0",
		pre: "$c $n = 0;", call: "&$n", words: []string{"(uintptr_t)$n"},
		read: "$t($0)",
	},
	"bool": {
		goType: "bool", zero: "false",
		pre: "bool $n = false;", call: "&$n", words: []string{"(uintptr_t)$n"},
		read: "$0 != 0",
	},
	"float": {
		goType: "float32", zero: "0",
		pre: "float $n = 0;", call: "&$n", words: []string{"gm_bits(&$n, sizeof $n)"},
		read: "math.Float32frombits(uint32($0))",
	},
	"double": {
		goType: "float64", zero: "0",
		pre: "double $n = 0;", call: "&$n", words: []string{"gm_bits(&$n, sizeof $n)"},
		read: "math.Float64frombits(uint64($0))",
	},
	"complex": {
		goType: "complex64", zero: "0",
		pre: "mlx_complex64_t $n = 0;", call: "&$n", words: []string{"gm_bits(&$n, sizeof $n)"},
		read: "complex64Bits(uint64($0))",
	},
	"enum": {
		goType: "$t", zero: "0",
		pre: "$c $n = ($c)0;", call: "&$n", words: []string{"(uintptr_t)$n"},
		read: "$t($0)",
	},
	"string": { // mlx_string *, filled and copied
		goType: "string", zero: `""`,
		pre: "mlx_string $n = p_mlx_string_new();", call: "&$n",
		post:  "char *$n_c = gm_take_string($n);",
		words: []string{"(uintptr_t)$n_c"},
		read:  "takeString(uintptr($0))",
	},
	"cstring": { // const char **, borrowed
		goType: "string", zero: `""`,
		pre: "const char *$n = NULL;", call: "(void *)&$n", words: []string{"(uintptr_t)$n"},
		read: "borrowString(uintptr($0))",
	},
	"handles": {
		goType: "[]$t", zero: "nil",
		pre: "$c $n = p_$c_new();", call: "&$n",
		post:  "size_t $n_n = 0; uintptr_t *$n_p = gm_take_$e($n, &$n_n);",
		words: []string{"(uintptr_t)$n_p", "$n_n"},
		read:  "takeHandles[$t](kind$t, uintptr($0), uintptr($1))",
	},
	"strings": {
		goType: "[]string", zero: "nil",
		pre: "mlx_vector_string $n = p_mlx_vector_string_new();", call: "&$n",
		post:  "size_t $n_n = 0; char *$n_p = gm_take_strings($n, &$n_n);",
		words: []string{"(uintptr_t)$n_p", "$n_n"},
		read:  "takeStrings(uintptr($0), uintptr($1))",
	},
	"numbers": {
		goType: "[]int32", zero: "nil",
		pre: "mlx_vector_int $n = p_mlx_vector_int_new();", call: "&$n",
		post:  "size_t $n_n = 0; int *$n_p = gm_take_ints($n, &$n_n);",
		words: []string{"(uintptr_t)$n_p", "$n_n"},
		read:  "takeInts(uintptr($0), uintptr($1))",
	},
	"arraymap": {
		goType: "map[string]Array", zero: "nil",
		pre: "mlx_map_string_to_array $n = p_mlx_map_string_to_array_new();", call: "&$n",
		post:  "size_t $n_n = 0; uintptr_t *$n_h = NULL; char *$n_p = gm_take_array_map($n, &$n_h, &$n_n);",
		words: []string{"(uintptr_t)$n_p", "(uintptr_t)$n_h", "$n_n"},
		read:  "takeArrayMap(uintptr($0), uintptr($1), uintptr($2))",
	},
	"stringmap": {
		goType: "map[string]string", zero: "nil",
		pre: "mlx_map_string_to_string $n = p_mlx_map_string_to_string_new();", call: "&$n",
		post:  "size_t $n_n = 0; char *$n_p = gm_take_string_map($n, &$n_n);",
		words: []string{"(uintptr_t)$n_p", "$n_n"},
		read:  "takeStringMap(uintptr($0), uintptr($1))",
	},
}

// scalarRow maps a C scalar to its Go type and to the name cgo gives it.
var scalarRows = map[string]struct{ goType, cgo string }{
	"int":        {"int32", "int"},
	"bool":       {"bool", "bool"},
	"float":      {"float32", "float"},
	"double":     {"float64", "double"},
	"size_t":     {"uint64", "size_t"},
	"uintptr_t":  {"uintptr", "uintptr_t"},
	"int8_t":     {"int8", "int8_t"},
	"int16_t":    {"int16", "int16_t"},
	"int32_t":    {"int32", "int32_t"},
	"int64_t":    {"int64", "int64_t"},
	"uint8_t":    {"uint8", "uint8_t"},
	"uint16_t":   {"uint16", "uint16_t"},
	"uint32_t":   {"uint32", "uint32_t"},
	"uint64_t":   {"uint64", "uint64_t"},
	"float16_t":  {"uint16", "uint16_t"}, // the bits: Go has no half
	"bfloat16_t": {"uint16", "uint16_t"},
}

// fill replaces the marks of a cell.
func (a *Arg) fill(cell string) string {
	return strings.NewReplacer("$n", a.Name, "$t", a.GoType, "$c", a.CType, "$e", a.Elem, "$x", a.Cgo, "$o", a.op).Replace(cell)
}

func (a *Arg) fillAll(cells []string) []string {
	out := make([]string, len(cells))
	for i, c := range cells {
		out[i] = a.fill(c)
	}
	return out
}
