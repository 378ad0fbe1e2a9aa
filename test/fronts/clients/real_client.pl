# Perl: LWP (says "Connection: TE, close"), or HTTP::Tiny, which every Perl has.
use strict;
use warnings;
my ($base, $library) = @ARGV;
my $body = 'perl' x 20_000;
for (1 .. 3) {
  if ($library eq 'LWP') {
    require LWP::UserAgent;
    my $agent = LWP::UserAgent->new(timeout => 10);
    my $got = $agent->get("$base/proxy/hello");
    print $got->code, ' ', ($got->decoded_content eq 'hello' ? 'true' : 'false'), "\n";
    my $sent = $agent->post("$base/proxy/echo", Content => $body);
    print $sent->code, ' ', ($sent->decoded_content eq $body ? 'true' : 'false'), "\n";
  } else {
    require HTTP::Tiny;
    my $agent = HTTP::Tiny->new(timeout => 10);
    my $got = $agent->get("$base/proxy/hello");
    print $got->{status}, ' ', ($got->{content} eq 'hello' ? 'true' : 'false'), "\n";
    my $sent = $agent->post("$base/proxy/echo", { content => $body });
    print $sent->{status}, ' ', ($sent->{content} eq $body ? 'true' : 'false'), "\n";
  }
}
