# usage: sh enter.sh DIR PROGRAMS
# Makes a node of the namespaces that it is started in, and becomes its first process (pause.c).
# The node has a /run, /var/lib and /var/log of its own: DIR/run, DIR/lib and DIR/log. So components
# use their usual paths and leave nothing on the host. Without -n, mount leaves /run/mount there.
set -eu
directory=$1 programs=$2
cd "$directory"

mount -n -t tmpfs node run
mkdir run/cluster run/cloudflow run/tunables
mount -n --bind . run/cluster
mount -n --bind "$programs" run/cloudflow

# The kubelet sets these kernel parameters for the whole machine, and does not start where it cannot.
# It sees copies.
for tunable in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops \
  kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  copy=run/tunables/${tunable##*/}
  cat "/proc/sys/$tunable" >"$copy"
  mount -n --bind "$copy" "/proc/sys/$tunable"
done

mount -n --rbind run /run
mount -n --bind lib /var/lib
mount -n --bind log /var/log

echo 1 >/proc/sys/net/ipv4/ip_forward
ip link set lo up
echo entered
exec /run/cloudflow/bin/pause "$directory" >/dev/null 2>&1
