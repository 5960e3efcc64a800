package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

type order struct {
	ID       int    `json:"id"`
	User     string `json:"user"`
	Items    []item `json:"items"`
	Address  string `json:"address"`
	Comment  string `json:"comment,omitempty"`
	Cents    int    `json:"cents"`
	Delivery string `json:"delivery"`
}

type item struct {
	Product int `json:"product"`
	Count   int `json:"count"`
}

type review struct {
	Product int    `json:"product"`
	Stars   int    `json:"stars"`
	Text    string `json:"text"`
}

type upload struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Bytes int64  `json:"bytes"`
}

func (s *Shop) api(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/products", func(w http.ResponseWriter, r *http.Request) { reply(w, 200, catalog()) })
	mux.HandleFunc("GET /api/v1/products/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, _ := strconv.Atoi(r.PathValue("id"))
		if p, ok := find(id); ok {
			reply(w, 200, p)
			return
		}
		refuse(w, 404, "no such product")
	})
	mux.HandleFunc("POST /api/v1/orders", s.postOrder)
	mux.HandleFunc("GET /api/v1/orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.PathValue("id"))
		if o, ok := s.orders.get(n); ok {
			o.ID = n
			reply(w, 200, o)
			return
		}
		refuse(w, 404, "no such order")
	})
	mux.HandleFunc("POST /api/v1/reviews", s.postReview)
	mux.HandleFunc("POST /api/v1/uploads", s.postUpload)
	mux.HandleFunc("POST /graphql", s.graphql)
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, why string) {
	reply(w, status, map[string]string{"error": why})
}

func (s *Shop) postOrder(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		refuse(w, 400, err.Error())
		return
	}
	for _, it := range o.Items {
		p, ok := find(it.Product)
		if !ok || it.Count < 1 || it.Count > 1000 {
			refuse(w, 422, "items need a product we sell and a count from 1 to 1000")
			return
		}
		o.Cents += p.Cents * it.Count
	}
	o.ID = s.orders.add(o)
	reply(w, 201, o)
}

func (s *Shop) postReview(w http.ResponseWriter, r *http.Request) {
	var v review
	if err := json.NewDecoder(r.Body).Decode(&v); err != nil {
		refuse(w, 400, err.Error())
		return
	}
	if _, ok := find(v.Product); !ok || v.Stars < 1 || v.Stars > 5 {
		refuse(w, 422, "a review needs a product we sell and 1 to 5 stars")
		return
	}
	reply(w, 201, map[string]int{"id": s.reviews.add(v)})
}

func (s *Shop) postUpload(w http.ResponseWriter, r *http.Request) {
	file, head, err := r.FormFile("file")
	if err != nil {
		refuse(w, 400, err.Error())
		return
	}
	defer file.Close()
	n, err := io.Copy(io.Discard, file)
	if err != nil {
		refuse(w, 400, err.Error())
		return
	}
	u := upload{Name: head.Filename, Type: head.Header.Get("Content-Type"), Bytes: n}
	reply(w, 201, map[string]any{"id": s.uploads.add(u), "file": u})
}

const schema = `
type Product { id: ID! name: String! category: String! cents: Int! text: String! }
type Query { product(id: ID!): Product products(category: String, search: String): [Product!]! }
type Mutation { review(product: ID!, stars: Int!, text: String!): Boolean! }`

// graphql answers POST /graphql: fields, arguments, variables and aliases;
// no fragments and no introspection.
func (s *Shop) graphql(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Query         string         `json:"query"`
		OperationName string         `json:"operationName"`
		Variables     map[string]any `json:"variables"`
	}
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		refuse(w, 400, err.Error())
		return
	}
	types := gqlparser.MustLoadSchema(&ast.Source{Input: schema})
	doc, errs := gqlparser.LoadQueryWithRules(types, in.Query, rules.NewDefaultRules())
	if errs != nil {
		reply(w, 200, map[string]any{"errors": errs})
		return
	}
	op := doc.Operations.ForName(in.OperationName)
	if op == nil {
		refuse(w, 400, "no such operation")
		return
	}
	vars, err := validator.VariableValues(types, op, in.Variables)
	if err != nil {
		reply(w, 200, map[string]any{"errors": []string{err.Error()}})
		return
	}
	data := map[string]any{}
	for _, sel := range op.SelectionSet {
		if f, ok := sel.(*ast.Field); ok {
			data[f.Alias] = s.resolve(f, f.ArgumentMap(vars))
		}
	}
	reply(w, 200, map[string]any{"data": data})
}

func (s *Shop) resolve(f *ast.Field, args map[string]any) any {
	switch f.Name {
	case "product":
		id, _ := strconv.Atoi(fmt.Sprint(args["id"]))
		if p, ok := find(id); ok {
			return project(f, p)
		}
	case "products":
		some := []any{}
		category, _ := args["category"].(string)
		search, _ := args["search"].(string)
		for _, p := range catalog() {
			if (category == "" || p.Category == category) && strings.Contains(strings.ToLower(p.Name), strings.ToLower(search)) {
				some = append(some, project(f, p))
			}
		}
		return some
	case "review":
		id, _ := strconv.Atoi(fmt.Sprint(args["product"]))
		stars, _ := strconv.Atoi(fmt.Sprint(args["stars"]))
		text, _ := args["text"].(string)
		s.reviews.add(review{Product: id, Stars: stars, Text: text})
		return true
	}
	return nil
}

// project keeps the selected fields of a product.
func project(f *ast.Field, p product) map[string]any {
	all := map[string]any{"id": strconv.Itoa(p.ID), "name": p.Name, "category": p.Category, "cents": p.Cents, "text": p.Text, "__typename": "Product"}
	out := map[string]any{}
	for _, sel := range f.SelectionSet {
		if sub, ok := sel.(*ast.Field); ok {
			out[sub.Alias] = all[sub.Name]
		}
	}
	return out
}
