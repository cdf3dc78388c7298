package nn

import (
	"reflect"
	"strconv"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/nn/initializer"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// layer is what a walk finds: something that has parameters.
type layer interface {
	// params lists them, by the names that the layer's tag gives.
	params(names []string) []spec
}

// spec is what a layer says about one of its parameters.
type spec struct {
	name  string
	param *Param
	shape []int // 0 matches anything when loaded
	init  initializer.Func

	optional  bool // need not be in a checkpoint
	buffer    bool // never trained: a running mean, packed words
	float32   bool // whatever the dtype of the other weights
	inference bool // kept in a form for inference only: param has no value
}

// dtype is what the parameter is kept as beside weights of another dtype.
func (sp *spec) dtype(others mlx.Dtype) mlx.Dtype {
	if sp.float32 {
		return mlx.Float32
	}
	return others
}

// walk visits the layers of a model in the order of its fields. Names are joined
// with dots along nested structs, pointers and slices; what is nil, hidden or has
// no tag is left out.
func walk(model any, visit func(path string, names []string, l layer) error) error {
	return walkValue(reflect.ValueOf(model), "", "", visit)
}

func walkValue(v reflect.Value, prefix, tag string, visit func(string, []string, layer) error) error {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	if !v.IsValid() {
		return nil
	}
	if v.CanAddr() {
		if l, ok := v.Addr().Interface().(layer); ok {
			return visit(prefix+tag, fullNames(prefix, tag), l)
		}
	}
	if tag != "" {
		prefix += tag + "."
	}
	switch v.Kind() {
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			if err := walkValue(v.Index(i), prefix, strconv.Itoa(i), visit); err != nil {
				return err
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			tag, tagged := v.Type().Field(i).Tag.Lookup("weight")
			if !tagged || !v.Field(i).CanSet() {
				continue
			}
			if err := walkValue(v.Field(i), prefix, tag, visit); err != nil {
				return err
			}
		}
	}
	return nil
}

func fullNames(prefix, tag string) []string {
	names := strings.Split(tag, ",")
	for i, n := range names {
		names[i] = prefix + n
	}
	return names
}

// join is the name of a parameter of the layer name.
func join(name, param string) string {
	if name == "" || strings.HasSuffix(name, ".") {
		return name + param
	}
	return name + "." + param
}
