# Makes a manual page of what a daemon's --help prints: marathon-worker --help | awk -v version=0.1.0 -f page.awk
# The rest of the page (signals, exit status, files) is in <program>.end.

function plain(text) {
    gsub(/\\/, "\\e", text)
    gsub(/-/, "\\-", text)
    return text ~ /^[.']/ ? "\\&" text : text
}

# "--slots N": its flag in bold, its value in italics.
function flag(line,    name) {
    name = line
    sub(/[ =[].*/, "", name)
    print ".TP"
    print ".B " plain(name) "\\fR\\fI" plain(substr(line, length(name) + 1)) "\\fR"
}

# The first clause of a summary, begun in lower case unless it begins with an abbreviation.
function clause(text) {
    sub(/[.;].*/, "", text)
    return text ~ /^[A-Z][A-Z]/ ? text : tolower(substr(text, 1, 1)) substr(text, 2)
}

NR == 1 {
    program = substr($0, 1, index($0, ":") - 1)
    summary = substr($0, index($0, ":") + 2)
    print ".\\\" Made of what " program " --help prints."
    print ".TH " plain(toupper(program)) " 8 \"\" \"Marathon " version "\" \"System administration\""
    print ".nh"
    print ".ad l"
    print ".SH NAME"
    print plain(program) " \\- " plain(clause(summary))
    print ".SH SYNOPSIS"
    print ".B " plain(program)
    print ".RI [ FLAGS ]"
    print ".SH DESCRIPTION"
    print plain(summary)
    print ".PP"
    next
}
/^Usage: / { next }
/^Example: / {
    print ".SH EXAMPLE"
    print ".EX"
    print plain(substr($0, 10))
    print ".EE"
    next
}
/^[A-Z][A-Za-z, ]*$/ { # a heading of settings
    print $0 == "General" ? ".SH GENERAL OPTIONS" : $0 == "Settings" ? ".SH SETTINGS" : ".SS " plain($0)
    next
}
/^  --/ { flag(substr($0, 3)) }
/^      / { print plain(substr($0, 7)) }
/^[^ ]/ { print plain($0) }

END {
    if (program !~ /^marathon-[a-z]+$/) {
        print "page.awk: that is no --help of ours" >"/dev/stderr"
        exit 1
    }
}
