package models

import (
	"flag"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/internal/markdown"
)

var tables = flag.String("tables", "", "write the tables of differences to this document: ../docs/models.md")

// table is a section of docs/models.md that a test writes, when it is asked to.
type table struct{ rows [][]string }

// newTable begins a section, which is written when the test has passed.
func newTable(t *testing.T, section string, head ...string) *table {
	tab := &table{[][]string{head}}
	t.Cleanup(func() {
		if *tables == "" || t.Failed() || len(tab.rows) == 1 {
			return
		}
		slices.SortStableFunc(tab.rows[1:], func(a, b []string) int {
			return strings.Compare(strings.Join(a[:2], " "), strings.Join(b[:2], " "))
		})
		text := "### " + strings.TrimPrefix(section, "parity ") + "\n\n" + markdown.Table(tab.rows)
		require.NoError(t, markdown.Rewrite(*tables, section, "go test ./models -tables ../docs/models.md", text))
	})
	return tab
}

func (tab *table) add(cells ...string) { tab.rows = append(tab.rows, cells) }
