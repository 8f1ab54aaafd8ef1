# Ninja's and ctest's lines of progress become one line that moves (on a terminal) or one every 20 seconds;
# everything else, warnings and errors above all, passes unchanged. ctest's own sum is left to test_summary.py.
function progress(text) {
  if (terminal) printf "\r\033[K    %s", substr(text, 1, 90)
  else if (systime() - shown >= 20) printf "    %s\n", text
  else return
  if (!terminal) shown = systime()
  pending = terminal
  fflush()
}
function through(text) {
  if (pending) printf "\r\033[K"
  pending = 0
  print text
  fflush()
}
BEGIN { shown = systime() }
/^\[[0-9]+\/[0-9]+\] / { progress($0); next }
/^ninja: (no work to do|Entering directory)/ { next }
/^-- / { next }
/^ *Start +[0-9]+:/ { next }
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: .* Passed / { progress($0); next }
/^[0-9]+% tests passed, / || /^Total Test time/ || /^Label Time Summary/ || /sec\*proc/ || /^Test project / { next }
/^$/ { next }
{ through($0) }
END { if (pending) printf "\r\033[K" }
