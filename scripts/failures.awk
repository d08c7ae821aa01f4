# What failed, from the log of a stage, in about `most` lines (-v most=N).
# A block is a failed test of vitest, with its assertion, seed and counterexample; an error that no test
# caught; or a failed check of a script, with its output. Each has as many lines as the others: the first
# ones of a test, the title and the last ones of a check. A log without blocks has its last lines printed.
# mawk counts bytes: what is cut off may be half a character, which the caller drops.

BEGIN { if (!most) most = 60; width = 300 }

# The rules between vitest's blocks, and its closing lines, belong to none.
/^(⎯)+(\[[0-9]+\/[0-9]+\](⎯)+)? *$/ || /^ +Test Files  / { at = 0 }
/^(⎯)+ (Failed|Unhandled Errors) / { at = 0 }
/^(⎯)+ Unhandled (Error|Rejection) / { open("error") }
# Tests that failed alike have one block.
/^ FAIL  / { if (!(at && kind[at] == "test" && size[at] == heads)) { open("test"); heads = 0 }; heads++ }
/^not ok / { open("check") }
/^ok / || /^[0-9]+ passed, [0-9]+ failed$/ { if (kind[at] == "check") at = 0 }

{ last[NR % most] = cut($0) }
at { text[at, ++size[at]] = cut($0) }

function open(what) { at = ++blocks; kind[at] = what; size[at] = 0 }
function cut(line) { return length(line) <= width ? line : substr(line, 1, width) " ..." }
function lines(block, from, to) { for (; from <= to; from++) print text[block, from] }

END {
  if (blocks == 0) for (i = NR < most ? 1 : NR - most + 1; i <= NR; i++) print last[i % most]
  share = blocks ? int(most / blocks) : 0
  if (share < 6) share = 6
  for (i = 1; i <= blocks; i++) {
    if (left_out = (i - 1) * share >= most) break
    while (size[i] > 0 && text[i, size[i]] == "") size[i]--
    if (size[i] <= share) lines(i, 1, size[i])
    else {
      more = "... " (size[i] - share + 1) " more lines"
      if (kind[i] == "check") { print text[i, 1]; print more; lines(i, size[i] - share + 3, size[i]) }
      else { lines(i, 1, share - 1); print more }
    }
  }
  if (left_out) print "... and " (blocks - i + 1) " more"
}
