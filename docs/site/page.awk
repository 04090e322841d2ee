# A Markdown page as Doxygen should read it; every line stays on its line.
#
# - links to pages of the site lose their anchor, which Doxygen names otherwise, links to other files
#   of the repository become plain text: the site does not hold them;
# - @ is no command, and < is no HTML, outside of code.

/^ *```/ { code = !code; print; next }
code || /^    / { print; next }
{
  text = ""
  rest = $0
  while (match(rest, /`[^`]*`/)) {
    at = RSTART
    past = RSTART + RLENGTH
    text = text plain(substr(rest, 1, at - 1)) substr(rest, at, past - at)
    rest = substr(rest, past)
  }
  print links(text plain(rest))
}

function plain(text) {
  while (match(text, /[A-Za-z]@[A-Za-z]/)) {
    text = substr(text, 1, RSTART) "\\" substr(text, RSTART + 1)
  }
  if (text !~ /<!--|-->/) gsub(/</, "\\&lt;", text)
  return text
}

function links(text,    done, label, target) {
  done = ""
  while (match(text, /\[[^]]*\]\([^)]*\)/)) {
    label = substr(text, RSTART + 1, RLENGTH - 2)
    target = label
    sub(/\]\(.*/, "", label)
    sub(/^[^]]*\]\(/, "", target)
    if (target !~ /^https?:/ && target !~ /\.svg$/) {
      sub(/#.*/, "", target)
      target = target ~ /\.md$/ && target !~ /^(examples|benchmarks)\// ? "(" target ")" : ""
    } else {
      target = "(" target ")"
    }
    done = done substr(text, 1, RSTART - 1) (target == "" ? label : "[" label "]" target)
    text = substr(text, RSTART + RLENGTH)
  }
  return done text
}
