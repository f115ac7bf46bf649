package ctrl

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

func TestNothingOfDataplanesFaceIsOfEBPF(t *testing.T) {
	for name, file := range parseFiles(t, "../dataplane/*.go") {
		for _, what := range leaks(file) {
			t.Errorf("%s: %s", name, what)
		}
	}
}

// The rule itself.
func TestLeaksAreFound(t *testing.T) {
	for source, leak := range map[string]bool{
		`func F(m *ebpf.Map) {}`:                                    true,
		`func f(m *ebpf.Map) {}`:                                    false,
		`func F() (link.Link, error) { return nil, nil }`:           true,
		`type T struct{}; func (*T) M() []*ebpf.Map { return nil }`: true,
		`type t struct{}; func (t) M() *ebpf.Map { return nil }`:    false,
		`type T struct{ Map *ebpf.Map }`:                            true,
		`type T struct{ objects *ebpf.Map }`:                        false,
		`type T struct{ *ebpf.Map }`:                                true,
		`type T bpf.DroverVerdict`:                                  false,
		`type T = bpf.DroverReal`:                                   true,
		`type T interface{ Map() *ebpf.Map }`:                       true,
		`type T uint8; const C = T(bpf.DroverRealStateREAL_UP)`:     false,
		`var V *ebpf.Map`:                                           true,
		`var v *ebpf.Map`:                                           false,
		`func F() { var _ *ebpf.Map }`:                              false,
	} {
		text := `package x; import ("github.com/cilium/ebpf"; "github.com/cilium/ebpf/link"; "drover/bpf"); ` + source
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", text, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := leaks(file); (len(got) > 0) != leak {
			t.Errorf("%s\nfound %q, want something: %v", source, got, leak)
		}
	}
}

// leaks says where exported declarations of a file mention a type of eBPF.
func leaks(file *ast.File) []string {
	var found []string
	names := importNames(file)
	var check func(name string, n ast.Node)
	check = func(name string, n ast.Node) {
		ast.Inspect(n, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.StructType:
				for _, field := range n.Fields.List {
					if len(field.Names) == 0 || slices.ContainsFunc(field.Names, (*ast.Ident).IsExported) {
						check(name, field.Type)
					}
				}
				return false
			case *ast.SelectorExpr:
				from := packageOf(n, names)
				if from == module+"/bpf" || strings.HasPrefix(from, "github.com/cilium/ebpf") {
					found = append(found, fmt.Sprintf("%s mentions %s.%s", name, from, n.Sel.Name))
				}
			}
			return true
		})
	}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || isExportedType(d.Recv.List[0].Type)) {
				check(d.Name.Name, d.Type)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				checkSpecification(spec, check)
			}
		}
	}
	return found
}

// checkSpecification checks what an exported name of a type, constant or variable declaration is.
func checkSpecification(spec ast.Spec, check func(string, ast.Node)) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		_, named := s.Type.(*ast.SelectorExpr)
		if own := named && !s.Assign.IsValid(); s.Name.IsExported() && !own { // a type of its own shows nothing
			check(s.Name.Name, s.Type)
		}
	case *ast.ValueSpec:
		if !slices.ContainsFunc(s.Names, (*ast.Ident).IsExported) {
			return
		}
		if s.Type != nil {
			check(s.Names[0].Name, s.Type)
		}
		for _, value := range s.Values {
			if _, bare := value.(*ast.SelectorExpr); bare && s.Type == nil { // without a conversion it keeps its type
				check(s.Names[0].Name, value)
			}
		}
	}
}

func isExportedType(expr ast.Expr) bool {
	if pointer, ok := expr.(*ast.StarExpr); ok {
		expr = pointer.X
	}
	name, ok := expr.(*ast.Ident)
	return ok && name.IsExported()
}
