package ctrl

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// parseFiles parses the files of a pattern, but for tests. A pattern that matches none is a failure: its rule would hold
// nothing.
func parseFiles(t *testing.T, pattern string) map[string]*ast.File {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	files := make(map[string]*ast.File)
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	if len(files) == 0 {
		t.Fatalf("no file is %s", pattern)
	}
	return files
}

// importNames gives the path of each import by the name that the file has for it.
func importNames(file *ast.File) map[string]string {
	names := make(map[string]string)
	for _, spec := range file.Imports {
		from, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue // the parser takes only what can be unquoted
		}
		name := path.Base(from)
		if name == "v2" { // a major version, which the package's name is without
			name = path.Base(path.Dir(from))
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		names[name] = from
	}
	return names
}

// packageOf is the path of the package whose name stands before the dot, or empty if something else does.
func packageOf(s *ast.SelectorExpr, names map[string]string) string {
	name, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return names[name.Name]
}
