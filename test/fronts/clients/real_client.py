"""Python's own client on one connection: a body with a length, one in chunks, and one that is answered too early."""
import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
mode = sys.argv[2]
for _ in range(3):
    if mode == "get":
        connection.request("GET", "/proxy/hello", headers={"X-Name": "caf\xe9"})
        wanted = b"hello"
    elif mode == "post":
        wanted = b"python" * 20_000
        connection.request("POST", "/proxy/echo", body=wanted)
    else:
        wanted = b"python" * 20_000
        pieces = (wanted[at : at + 5_000] for at in range(0, len(wanted), 5_000))
        connection.request("POST", "/proxy/echo", body=pieces, encode_chunked=True)
    answer = connection.getresponse()
    print(answer.status, answer.read() == wanted)
