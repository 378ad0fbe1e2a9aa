import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** The JDK's client as people use it: by default it asks on every plain request to change to HTTP/2. */
class RealClient {
  static long quickestMs = Long.MAX_VALUE;

  public static void main(String[] args) throws Exception {
    var client = HttpClient.newHttpClient();
    var body = "java".repeat(20_000);
    var uri = URI.create(args[0] + "/proxy/echo");
    var get = HttpRequest.newBuilder(URI.create(args[0] + "/proxy/hello"));
    var post = HttpRequest.newBuilder(uri).POST(BodyPublishers.ofString(body));
    var chunked =
        HttpRequest.newBuilder(uri)
            .POST(BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body.getBytes())));
    for (int round = 0; round < 3; round++) {
      switch (args[1]) {
        case "get" -> say(client, get, "hello");
        case "post" -> say(client, post, body);
        case "expect" -> say(client, post.expectContinue(true), body);
        case "chunked" -> say(client, chunked, body);
        default -> throw new IllegalArgumentException(args[1]);
      }
    }
    // A busy machine delays one request or the other; where 100 does not come, each waits for a second in vain.
    if (quickestMs > 900) System.out.println("all late");
  }

  static void say(HttpClient client, HttpRequest.Builder request, String wanted) throws Exception {
    var startMs = System.nanoTime() / 1_000_000;
    var answer = client.send(request.build(), BodyHandlers.ofString());
    quickestMs = Math.min(quickestMs, System.nanoTime() / 1_000_000 - startMs);
    System.out.println(answer.statusCode() + " " + answer.body().equals(wanted));
  }
}
