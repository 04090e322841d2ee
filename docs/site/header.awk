# A header as Doxygen should read it; every line stays on its line.
#
# - namespace detail is left out;
# - the comment before the namespace is the file's, not the namespace's;
# - a paragraph that is indented by two spaces or more, as formulas and tables of arguments are, is
#   shown as it stands;
# - macros that are not for others are left out;
# - the @ of MAP@R is no command.

/^namespace (ldmat::)?detail(::[a-z]+)* \{/ { detail = 1 }
detail {
  if (/^}  \/\/ namespace (ldmat::)?detail/) detail = 0
  line("")
  next
}
/^namespace/ { inside = 1 }
# Macros that are not for others.
/^#define LDMAT_(DETAIL|ALWAYS)_/ { macro = 1 }
macro {
  macro = /\\$/
  line("")
  next
}
{ line($0) }
END { if (NR > 0) print held }

# Holds a line back until the next one is known.
function line(text,    comment) {
  if (match(text, /^ *\/\/\//)) {
    comment = substr(text, RLENGTH + 1)
    if (!inside && !file && held == "") {
      held = "/// @file"
      file = 1
    }
    if (comment ~ /^ *$/ || !commented) verbatim = 0
    if (comment !~ /^ *$/ && blank) verbatim = comment ~ /^  +[^ -]/
    blank = comment ~ /^ *$/
    commented = 1
    if (verbatim) {
      text = substr(text, 1, RLENGTH) "    " comment
    } else {
      text = escaped(text)
    }
  } else {
    commented = 0
    blank = 1
  }
  if (started) print held
  started = 1
  held = text
}

function escaped(text) {
  while (match(text, /[A-Za-z]@[A-Za-z]/)) {
    text = substr(text, 1, RSTART) "\\" substr(text, RSTART + 1)
  }
  return text
}
