package templates_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
)

// TestHostileTemplates holds that no template can hang, exhaust memory or
// overflow the stack: each of these ends in a limit error, soon.
func TestHostileTemplates(t *testing.T) {
	nested := func(open, close string, n int) string {
		return strings.Repeat(open, n) + "1" + strings.Repeat(close, n)
	}
	tests := map[string]string{
		"endless macro":          "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
		"mutual macros":          "{% macro a() %}{{ caller() }}{% endmacro %}{% macro b() %}{% call a() %}{{ b() }}{% endcall %}{% endmacro %}{{ b() }}",
		"macro in default":       "{% macro m(x=m()) %}{% endmacro %}{{ m() }}",
		"block in itself":        "{% block a %}{{ self.a() }}{% endblock %}",
		"recursive loop":         "{% set x = [1] %}{% for i in x recursive %}{{ loop(x) }}{% endfor %}",
		"parentheses":            "{{ " + nested("(", ")", 100_000) + " }}",
		"lists":                  "{{ " + nested("[", "]", 100_000) + " }}",
		"dicts":                  "{{ " + nested("{1:", "}", 100_000) + " }}",
		"subscripts":             "{{ " + nested("a[", "]", 100_000) + " }}",
		"calls":                  "{{ " + nested("a(", ")", 100_000) + " }}",
		"signs":                  "{{ " + strings.Repeat("-", 100_000) + "1 }}",
		"nots":                   "{{ " + strings.Repeat("not ", 100_000) + "1 }}",
		"inline ifs":             "{{ " + strings.Repeat("1 if 0 else ", 100_000) + "1 }}",
		"sum of many":            "{{ 1" + strings.Repeat("+1", 100_000) + " }}",
		"attributes":             "{{ a" + strings.Repeat(".a", 100_000) + " }}",
		"filters":                "{{ 'a'" + strings.Repeat("|upper", 100_000) + " }}",
		"tags":                   strings.Repeat("{% if 1 %}", 100_000),
		"loops":                  strings.Repeat("{% for a in b %}", 100_000),
		"ifs with many names":    manyNames(4000),
		"nested ranges":          "{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(9) %}{% endfor %}{% endfor %}{% endfor %}",
		"text doubled":           "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
		"text added":             "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
		"list doubled":           "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
		"text repeated":          "{{ 'ab' * 10**12 }}",
		"text repeated, big":     "{{ 'ab' * 9223372036854775807 }}",
		"list repeated":          "{{ [1] * 10**12 }}",
		"tuple repeated":         "{{ (1,) * 10**9 }}",
		"tree printed":           "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
		"tree as JSON":           "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|tojson }}",
		"tree compared":          "{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
		"tree ordered":           "{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s < ns.t }}",
		"tree hashed":            "{% set ns = namespace(s=(1,)) %}{% for i in range(99) %}{% set ns.s = (ns.s, ns.s) %}{% endfor %}{{ {ns.s: 1} }}",
		"tree pretty":            "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s|pprint }}",
		"deep list printed":      "{% set ns = namespace(s=[1]) %}{% for i in range(99999) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}",
		"deep list as JSON":      "{% set ns = namespace(s=[1]) %}{% for i in range(99999) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s|tojson }}",
		"namespace in itself":    "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns }}",
		"deep tuple hashed":      "{% set ns = namespace(s=(1,)) %}{% for i in range(99999) %}{% set ns.s = (ns.s,) %}{% endfor %}{{ {ns.s: 1} }}",
		"generators in a chain":  "{% set ns = namespace(g=[1]) %}{% for i in range(99999) %}{% set ns.g = ns.g|map('string') %}{% endfor %}{{ ns.g|list }}",
		"loop filters in chain":  "{% set ns = namespace(g=[1]) %}{% for i in range(99999) %}{% set ns.g = ns.g|select %}{% endfor %}{% for x in ns.g if x %}{{ x }}{% endfor %}",
		"filter by filter":       "{% set ns = namespace(a=['map']) %}{{ [[[1]]]|map('map', 'map', 'map', 'string')|list }}{% for i in range(100000) %}{% for j in range(100000) %}{{ [1,2]|map('string')|list }}{% endfor %}{% endfor %}",
		"width":                  "{{ '%1000000000d' % 1 }}",
		"width in argument":      "{{ '%*d' % (9223372036854775807, 1) }}",
		"precision":              "{{ '%.1000000000f' % 1.5 }}",
		"format width":           "{{ '{:1000000000}'.format(1) }}",
		"format precision":       "{{ '{:.1000000000f}'.format(1.5) }}",
		"center":                 "{{ 'a'.center(10**10) }}",
		"zfill":                  "{{ 'a'.zfill(10**10) }}",
		"center filter":          "{{ 'a'|center(10**10) }}",
		"indent":                 "{{ 'a'|indent(10**10, true) }}",
		"indents":                "{{ ('a\n' * 1000000)|indent(10**6) }}",
		"JSON indent":            "{{ [1]|tojson(indent=10**9) }}",
		"replace":                "{{ ('a' * 10**6).replace('', 'b' * 10**6) }}",
		"replace filter":         "{{ ('a' * 10**6)|replace('a', 'b' * 10**6) }}",
		"join":                   "{{ ('a' * 10**6).join(('b' * 1000000)|list) }}",
		"join filter":            "{{ range(100000)|join('a' * 10**6) }}",
		"expandtabs":             "{{ ('\\t' * 10**6).expandtabs(10**6) }}",
		"batch":                  "{{ [1]|batch(10**10, 'x')|list }}",
		"slice":                  "{{ [1]|slice(10**10)|list }}",
		"power":                  "{{ 10 ** (10 ** 10) }}",
		"power of power":         "{{ 7 ** 99999999 }}",
		"long integer":           "{{ " + strings.Repeat("9", 1_000_000) + " }}",
		"squares":                "{% set ns = namespace(n=7) %}{% for i in range(99) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
		"long text measured":     "{% set s = 'ab' * 10**7 %}{% for i in range(100000) %}{% set n = s|length %}{% endfor %}",
		"long text indexed":      "{% set s = 'ab' * 10**7 %}{% for i in range(100000) %}{% set n = s[5] %}{% endfor %}",
		"long text searched":     "{% set s = 'ab' * 10**7 %}{% for i in range(100000) %}{% set n = 'x' in s %}{% endfor %}",
		"long text compared":     "{% set s = 'ab' * 10**7 %}{% set t = 'ab' * 10**7 %}{% for i in range(100000) %}{% set n = s == t %}{% endfor %}",
		"long text looked up":    "{% set s = 'ab' * 10**7 %}{% set d = {s: 1} %}{% for i in range(100000) %}{% set n = d[s] %}{% endfor %}",
		"long text upper":        "{% set s = 'ab' * 10**7 %}{% for i in range(100000) %}{% set n = s.upper() %}{% endfor %}",
		"long text printed":      "{% set s = 'ab' * 10**7 %}{% for i in range(100000) %}{{ s }}{% endfor %}",
		"captures":               "{% set ns = namespace(s='ab') %}{% for i in range(99) %}{% set ns.s %}{{ ns.s }}{{ ns.s }}{% endset %}{% endfor %}",
		"wordwrap":               "{{ ('ab ' * 10**6)|wordwrap(1, true, 'x' * 10**6) }}",
		"escape":                 "{% set ns = namespace(s='&') %}{% for i in range(99999) %}{% set ns.s = (ns.s ~ '')|escape %}{% endfor %}",
		"strftime":               "{{ strftime_now('%c' * 10**7) }}",
		"dynamic arguments":      "{% macro m() %}{{ varargs|length }}{% endmacro %}{% set l = range(100000)|list %}{% for i in range(100000) %}{{ m(*l) }}{% endfor %}",
		"sorting":                "{% for i in range(100000) %}{% set n = range(100000)|sort %}{% endfor %}",
	}
	for name, src := range tests {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			_, err := execute(src, templates.NewDict())
			require.ErrorIs(t, err, templates.ErrLimit)
			require.Less(t, time.Since(start), 20*time.Second)
		})
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

func TestLimitsAreAdjustable(t *testing.T) {
	tests := []struct {
		name, src string
		limits    templates.Limits
		ok        bool
	}{
		{"output within", "{{ 'a' * 100 }}", templates.Limits{Output: 100}, true},
		{"output beyond", "{{ 'a' * 101 }}", templates.Limits{Output: 100}, false},
		{"text beyond", strings.Repeat("a", 101), templates.Limits{Output: 100}, false},
		{"steps within", "{% for i in range(10) %}{% endfor %}", templates.Limits{Steps: 50}, true},
		{"steps beyond", "{% for i in range(100) %}{% endfor %}", templates.Limits{Steps: 50}, false},
		{"depth within", "{% macro m(n) %}{{ m(n - 1) if n else 'x' }}{% endmacro %}{{ m(3) }}", templates.Limits{Depth: 50}, true},
		{"depth beyond", "{% macro m(n) %}{{ m(n - 1) if n else 'x' }}{% endmacro %}{{ m(30) }}", templates.Limits{Depth: 50}, false},
		{"source within", "abc", templates.Limits{Source: 3}, true},
		{"source beyond", "abcd", templates.Limits{Source: 3}, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tmpl, err := templates.Compile(tt.src, templates.WithLimits(tt.limits))
			if err == nil {
				_, err = tmpl.Execute(templates.NewDict())
			}
			if tt.ok {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, templates.ErrLimit)
			}
		})
	}
}

// TestConcurrentRendering renders one template from many goroutines.
func TestConcurrentRendering(t *testing.T) {
	tmpl := smollm2(t)
	chat := longChat(20)
	want, err := tmpl.Render(chat)
	require.NoError(t, err)
	var wg sync.WaitGroup
	got := make([]string, 16)
	for i := range got {
		wg.Go(func() {
			for range 20 {
				got[i], _ = tmpl.Render(chat)
			}
		})
	}
	wg.Wait()
	for _, text := range got {
		require.Equal(t, want, text)
	}
}
