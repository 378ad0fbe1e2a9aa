// Go's own client on kept connections: a body with a length, and one in chunks with a trailer behind it.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

func main() {
	base, mode := os.Args[1], os.Args[2]
	body := strings.Repeat("gopher", 20_000)
	for i := 0; i < 3; i++ {
		request, _ := http.NewRequest("GET", base+"/proxy/hello", nil)
		wanted := "hello"
		if mode == "post" {
			request, _ = http.NewRequest("POST", base+"/proxy/echo", strings.NewReader(body))
			wanted = body
		} else if mode == "chunked" {
			request, _ = http.NewRequest("POST", base+"/proxy/echo", io.NopCloser(strings.NewReader(body)))
			request.Trailer = http.Header{"X-Sum": []string{"1"}}
			wanted = body
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		got, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		fmt.Println(answer.StatusCode, string(got) == wanted)
	}
}
