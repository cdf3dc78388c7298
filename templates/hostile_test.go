package templates_test

import (
	"fmt"
	"maps"
	"strings"
)

// hostile returns templates that would hang, exhaust memory or overflow the
// stack, by what they do.
func hostile() map[string]string {
	all := map[string]string{}
	for _, group := range []map[string]string{deepTemplates(), growingTemplates(), longTextTemplates(), hugeTemplates()} {
		maps.Copy(all, group)
	}
	return all
}

func nested(open, end string, n int) string {
	return strings.Repeat(open, n) + "1" + strings.Repeat(end, n)
}

// repeat runs a step n times on a namespace ns.
func repeat(n int, init, step string) string {
	return fmt.Sprintf("{%% set ns = namespace(%s) %%}{%% for i in range(%d) %%}%s{%% endfor %%}", init, n, step)
}

// overText runs a step 100,000 times with s of 20 MB.
func overText(setup, step string) string {
	return "{% set s = 'ab' * 10**7 %}" + setup + "{% for i in range(100000) %}" + step + "{% endfor %}"
}

// deepTemplates nest without end, in their text or as they run.
func deepTemplates() map[string]string {
	return map[string]string{
		"endless macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
		"mutual macros": "{% macro a() %}{{ caller() }}{% endmacro %}{% macro b() %}{% call a() %}" +
			"{{ b() }}{% endcall %}{% endmacro %}{{ b() }}",
		"macro in default":    "{% macro m(x=m()) %}{% endmacro %}{{ m() }}",
		"block in itself":     "{% block a %}{{ self.a() }}{% endblock %}",
		"recursive loop":      "{% set x = [1] %}{% for i in x recursive %}{{ loop(x) }}{% endfor %}",
		"parentheses":         "{{ " + nested("(", ")", 100_000) + " }}",
		"lists":               "{{ " + nested("[", "]", 100_000) + " }}",
		"dicts":               "{{ " + nested("{1:", "}", 100_000) + " }}",
		"subscripts":          "{{ " + nested("a[", "]", 100_000) + " }}",
		"calls":               "{{ " + nested("a(", ")", 100_000) + " }}",
		"signs":               "{{ " + strings.Repeat("-", 100_000) + "1 }}",
		"nots":                "{{ " + strings.Repeat("not ", 100_000) + "1 }}",
		"inline ifs":          "{{ " + strings.Repeat("1 if 0 else ", 100_000) + "1 }}",
		"sum of many":         "{{ 1" + strings.Repeat("+1", 100_000) + " }}",
		"attributes":          "{{ a" + strings.Repeat(".a", 100_000) + " }}",
		"filters":             "{{ 'a'" + strings.Repeat("|upper", 100_000) + " }}",
		"tags":                strings.Repeat("{% if 1 %}", 100_000),
		"loops":               strings.Repeat("{% for a in b %}", 100_000),
		"ifs with many names": manyNames(4000),
		"long integer":        "{{ " + strings.Repeat("9", 1_000_000) + " }}",
	}
}

const twoTrees = "{% set ns.s = [ns.s, ns.s] %}{% set ns.t = [ns.t, ns.t] %}"

// growingTemplates make a value grow step by step.
func growingTemplates() map[string]string {
	return map[string]string{
		"text doubled":          repeat(99, "s='ab'", "{% set ns.s = ns.s ~ ns.s %}"),
		"text added":            repeat(99, "s='ab'", "{% set ns.s = ns.s + ns.s %}"),
		"list doubled":          repeat(99, "s=[1]", "{% set ns.s = ns.s + ns.s %}"),
		"tree printed":          repeat(99, "s=[1]", "{% set ns.s = [ns.s, ns.s] %}") + "{{ ns.s }}",
		"tree as JSON":          repeat(99, "s=[1]", "{% set ns.s = [ns.s, ns.s] %}") + "{{ ns.s|tojson }}",
		"tree compared":         repeat(99, "s=[1], t=[1]", twoTrees) + "{{ ns.s == ns.t }}",
		"tree ordered":          repeat(99, "s=[1], t=[1]", twoTrees) + "{{ ns.s < ns.t }}",
		"tree hashed":           repeat(99, "s=(1,)", "{% set ns.s = (ns.s, ns.s) %}") + "{{ {ns.s: 1} }}",
		"tree pretty":           repeat(99, "s=[1]", "{% set ns.s = [ns.s, ns.s] %}") + "{{ ns.s|pprint }}",
		"deep list printed":     repeat(99999, "s=[1]", "{% set ns.s = [ns.s] %}") + "{{ ns.s }}",
		"deep list as JSON":     repeat(99999, "s=[1]", "{% set ns.s = [ns.s] %}") + "{{ ns.s|tojson }}",
		"deep tuple hashed":     repeat(99999, "s=(1,)", "{% set ns.s = (ns.s,) %}") + "{{ {ns.s: 1} }}",
		"generators in a chain": repeat(99999, "g=[1]", "{% set ns.g = ns.g|map('string') %}") + "{{ ns.g|list }}",
		"loop filters in chain": repeat(99999, "g=[1]", "{% set ns.g = ns.g|select %}") +
			"{% for x in ns.g if x %}{{ x }}{% endfor %}",
		"squares":  repeat(99, "n=7", "{% set ns.n = ns.n * ns.n %}"),
		"captures": repeat(99, "s='ab'", "{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}"),
		"escape":   repeat(99999, "s='&'", "{% set ns.s = (ns.s ~ '')|escape %}"),
	}
}

// longTextTemplates do something cheap to a long text, often.
func longTextTemplates() map[string]string {
	return map[string]string{
		"long text measured":  overText("", "{% set n = s|length %}"),
		"long text indexed":   overText("", "{% set n = s[5] %}"),
		"long text searched":  overText("", "{% set n = 'x' in s %}"),
		"long text compared":  overText("{% set t = 'ab' * 10**7 %}", "{% set n = s == t %}"),
		"long text looked up": overText("{% set d = {s: 1} %}", "{% set n = d[s] %}"),
		"long text upper":     overText("", "{% set n = s.upper() %}"),
		"long text printed":   overText("", "{{ s }}"),
	}
}

// hugeTemplates ask for something huge at once.
func hugeTemplates() map[string]string {
	return map[string]string{
		"nested ranges": "{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(9) %}" +
			"{% endfor %}{% endfor %}{% endfor %}",
		"text repeated":       "{{ 'ab' * 10**12 }}",
		"text repeated, big":  "{{ 'ab' * 9223372036854775807 }}",
		"list repeated":       "{{ [1] * 10**12 }}",
		"tuple repeated":      "{{ (1,) * 10**9 }}",
		"namespace in itself": "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
		"filter by filter": "{{ [[[1]]]|map('map', 'map', 'map', 'string')|list }}" +
			"{% for i in range(100000) %}{% for j in range(100000) %}" +
			"{{ [1,2]|map('string')|list }}{% endfor %}{% endfor %}",
		"width":             "{{ '%1000000000d' % 1 }}",
		"width in argument": "{{ '%*d' % (9223372036854775807, 1) }}",
		"precision":         "{{ '%.1000000000f' % 1.5 }}",
		"format width":      "{{ '{:1000000000}'.format(1) }}",
		"format precision":  "{{ '{:.1000000000f}'.format(1.5) }}",
		"center":            "{{ 'a'.center(10**10) }}",
		"zfill":             "{{ 'a'.zfill(10**10) }}",
		"center filter":     "{{ 'a'|center(10**10) }}",
		"indent":            "{{ 'a'|indent(10**10, true) }}",
		"indents":           "{{ ('a\n' * 1000000)|indent(10**6) }}",
		"JSON indent":       "{{ [1]|tojson(indent=10**9) }}",
		"replace":           "{{ ('a' * 10**6).replace('', 'b' * 10**6) }}",
		"replace filter":    "{{ ('a' * 10**6)|replace('a', 'b' * 10**6) }}",
		"join":              "{{ ('a' * 10**6).join(('b' * 1000000)|list) }}",
		"join filter":       "{{ range(100000)|join('a' * 10**6) }}",
		"expandtabs":        "{{ ('\\t' * 10**6).expandtabs(10**6) }}",
		"batch":             "{{ [1]|batch(10**10, 'x')|list }}",
		"slice":             "{{ [1]|slice(10**10)|list }}",
		"power":             "{{ 10 ** (10 ** 10) }}",
		"power of power":    "{{ 7 ** 99999999 }}",
		"wordwrap":          "{{ ('ab ' * 10**6)|wordwrap(1, true, 'x' * 10**6) }}",
		"strftime":          "{{ strftime_now('%c' * 10**7) }}",
		"dynamic arguments": "{% macro m() %}{{ varargs|length }}{% endmacro %}{% set l = range(100000)|list %}" +
			"{% for i in range(100000) %}{{ m(*l) }}{% endfor %}",
		"sorting": "{% for i in range(100000) %}{% set n = range(100000)|sort %}{% endfor %}",
	}
}

// manyNames nests ifs with a new name in each, which is quadratic to resolve.
func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("{% if a %}{% set v" + strings.Repeat("x", i) + " = 1 %}{% else %}")
		if i%200 == 199 {
			b.WriteString(strings.Repeat("{% endif %}", 200))
		}
	}
	return b.String()
}
