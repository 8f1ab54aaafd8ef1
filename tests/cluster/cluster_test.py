"""Tests of tools/cluster on real clusters. `./dev soak cluster` runs them, as root.

They see a cluster from outside: by kubectl, over the network, and by what it leaves on the machine.
"""

import contextlib
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from waiting import wait_until  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = ROOT / "tools/cluster"
IMAGE = "localhost/busybox:1"

# A server whose page is the name of its pod.
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: %s
        command: [sh, -c, "mkdir /www; hostname >/www/index.html; echo serving; exec httpd -f -p 8080 -h /www"]
        readinessProbe: {httpGet: {port: 8080, path: /}, periodSeconds: 1}
        resources: {limits: {memory: 32Mi, cpu: 100m}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}]
""" % IMAGE

# A pod that waits for commands.
CLIENT = """
apiVersion: v1
kind: Pod
metadata: {name: client}
spec:
  terminationGracePeriodSeconds: 0
  containers: [{name: client, image: %s, command: [sleep, "1000000"]}]
""" % IMAGE

# A pod that wants more memory than it may have.
EATER = """
apiVersion: v1
kind: Pod
metadata: {name: eater}
spec:
  restartPolicy: Never
  containers:
  - name: eater
    image: %s
    command: [sh, -c, "head -c 200000000 /dev/zero | tail"]
    resources: {limits: {memory: 16Mi}}
""" % IMAGE

CHART = {
    "Chart.yaml": '{apiVersion: v2, name: small, version: 1.0.0, kubeVersion: ">=1.34.0"}',
    "templates/map.yaml": "{apiVersion: v1, kind: ConfigMap, metadata: {name: {{ .Release.Name }}}}",
}

# A pod that counts its lives in a volume of the node, and may not be root.
KEEPER = """
apiVersion: v1
kind: PersistentVolume
metadata: {name: kept}
spec:
  capacity: {storage: 1Mi}
  accessModes: [ReadWriteOnce]
  storageClassName: local
  local: {path: "%%s"}
  nodeAffinity:
    required:
      nodeSelectorTerms:
      - matchExpressions: [{key: kubernetes.io/hostname, operator: In, values: [node]}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: keeper}
spec:
  serviceName: keeper
  selector: {matchLabels: {app: keeper}}
  template:
    metadata: {labels: {app: keeper}}
    spec:
      terminationGracePeriodSeconds: 0
      securityContext: {runAsUser: 1000, runAsNonRoot: true, fsGroup: 2000}
      containers:
      - name: keeper
        image: %s
        command: [sh, -c, "echo life >>/kept/lives && exec sleep 1000000"]
        volumeMounts: [{name: kept, mountPath: /kept}]
  volumeClaimTemplates:
  - metadata: {name: kept}
    spec:
      accessModes: [ReadWriteOnce]
      storageClassName: local
      resources: {requests: {storage: 1Mi}}
""" % IMAGE

# Asks the API server who is there, as the pod's service account.
ASK = r"""
token=$(cat /var/run/secrets/kubernetes.io/serviceaccount/token)
wget -q -O - --no-check-certificate --header "Authorization: Bearer $token" \
  https://kubernetes.default.svc/api/v1/namespaces/default/pods
"""


def page(host, port):
    """The page of an HTTP server; None when it does not answer."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection = http.client.HTTPConnection(host, port, timeout=2)
        connection.request("GET", "/")
        answer = connection.getresponse()
        return answer.read().decode().strip() if answer.status == 200 else None
    return None


class Cluster:
    """A cluster in a temporary directory, from `up` to the end of the test."""

    def __init__(self, *options):
        self._temporary = tempfile.TemporaryDirectory(prefix="cloudflow-cluster-")
        self.directory = pathlib.Path(self._temporary.name) / "cluster"
        self.options = options

    def __enter__(self):
        try:
            self.up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.tool("down", check=False)
        self._temporary.cleanup()

    def tool(self, command, *arguments, check=True, text=None):
        done = subprocess.run([TOOL, command, self.directory, *arguments], input=text, capture_output=True,
                              text=True, check=False)
        if check and done.returncode:
            raise AssertionError(f"{command} {' '.join(map(str, arguments))}: {done.stdout}{done.stderr}")
        return done

    def up(self):
        return self.tool("up", *self.options).stdout

    def kubectl(self, *arguments, text=None):
        return self.tool("kubectl", *arguments, text=text).stdout

    def apply(self, manifest):
        self.kubectl("apply", "-f", "-", text=manifest)

    def shell(self, script, pod="client"):
        """The output of a script in a pod."""
        return self.kubectl("exec", pod, "--", "sh", "-c", script)

    def until_ready(self, *what):
        self.kubectl("rollout", "status", *what, "--timeout=60s")

    def start_client(self):
        self.apply(CLIENT)
        self.kubectl("wait", "--for=condition=Ready", "pod/client", "--timeout=60s")

    def get(self, *what):
        return json.loads(self.kubectl("get", *what, "-o", "json"))

    @property
    def facts(self):
        return json.loads((self.directory / "cluster.json").read_text())

    def first_process(self):
        return int((self.directory / "pid").read_text())


def processes_of(directory):
    """Processes that have the directory in their command line."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.fsencode(directory) in (process / "cmdline").read_bytes() and int(process.name) != os.getpid():
                found.add(int(process.name))
    return found


def namespaces(process="self"):
    return {os.readlink(f"/proc/{process}/ns/{kind}") for kind in ("mnt", "net", "pid")}


def namespaces_in_use():
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found |= namespaces(process.name)
    return found


def traces():
    """What a cluster could leave on the machine."""
    def printed(*command):
        return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines())

    settings = [pathlib.Path("/proc/sys", name) for name in (
        "kernel/keys/root_maxbytes", "kernel/keys/root_maxkeys", "kernel/panic", "kernel/panic_on_oops",
        "net/ipv4/ip_forward", "net/netfilter/nf_conntrack_max", "vm/overcommit_memory", "vm/panic_on_oom")]
    return {
        "links": {re.sub(r"^\d+: ([^:@]+).*", r"\1", line) for line in printed("ip", "-oneline", "link")},
        "routes": printed("ip", "route"),
        "mounts": {line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines()},
        "cgroups": {str(path) for depth in ("", "*/") for path in pathlib.Path("/sys/fs/cgroup").glob(f"{depth}cloudflow-*")},
        "rules": {line for line in printed("iptables-save") if not line.startswith("#")},
        "files": {f"{parent}/{name}" for parent in ("/etc", "/run", "/run/netns", "/var/lib", "/var/log")
                  if os.path.isdir(parent) for name in os.listdir(parent)},
        "settings": {(str(one), one.read_text()) for one in settings if one.exists()},
    }


class OfOne(unittest.TestCase):
    """A cluster that all these tests share."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())
        cls.cluster.apply(WEB)
        cls.cluster.start_client()
        cls.cluster.until_ready("deployment/web")

    def test_pods_find_a_service_by_its_name_and_reach_all_of_its_pods(self):
        pods = {pod["metadata"]["name"] for pod in self.cluster.get("pods", "-l", "app=web")["items"]}
        self.assertEqual(len(pods), 2)
        for name in ("web", "web.default", "web.default.svc.cluster.local"):
            self.assertIn(self.cluster.shell(f"wget -q -O - http://{name}/").strip(), pods)
        four = "for n in 1 2 3 4; do wget -q -O - http://web/; done"
        wait_until("answers of both pods", lambda: pods <= set(self.cluster.shell(four).split()))
        pod = sorted(pods)[0]
        wait_until("a pod that reaches itself through its service", lambda: pod in self.cluster.shell(four, pod=pod))

    def test_a_name_that_nobody_has_is_refused_at_once(self):
        began = time.monotonic()
        answer = self.cluster.shell("nslookup nobody.example.com 2>&1 || true")
        self.assertIn("NXDOMAIN", answer)
        self.assertLess(time.monotonic() - began, 5)

    def test_the_host_reaches_pods_services_and_ports_of_the_node(self):
        service = self.cluster.get("service", "web")["spec"]
        pod = self.cluster.get("pods", "-l", "app=web")["items"][0]
        self.assertEqual(page(pod["status"]["podIP"], 8080), pod["metadata"]["name"])
        self.assertTrue(page(service["clusterIP"], 80))
        self.assertTrue(page(self.cluster.facts["node"], service["ports"][0]["nodePort"]))

    def test_logs_and_exec_work(self):
        self.assertEqual(self.cluster.kubectl("logs", "deployment/web").split()[0], "serving")
        self.assertEqual(self.cluster.shell("echo to stdout; cat /etc/hostname"), "to stdout\nclient\n")

    def test_limits_of_memory_are_enforced(self):
        self.cluster.apply(EATER)
        phase = "jsonpath={.status.containerStatuses[0].state.terminated.reason}"
        self.cluster.kubectl("wait", f"--for={phase}=OOMKilled", "pod/eater", "--timeout=60s")

    def test_a_pod_asks_the_api_server_with_its_service_account_and_rbac_decides(self):
        self.assertIn("403", self.cluster.shell(f"({ASK}) 2>&1 || true"))
        self.cluster.kubectl("create", "rolebinding", "look", "--clusterrole=view",
                             "--serviceaccount=default:default")
        pods = wait_until("the right", lambda: self.cluster.shell(f"({ASK}) 2>/dev/null || true"))
        self.assertIn("client", [pod["metadata"]["name"] for pod in json.loads(pods)["items"]])

    def test_the_audit_log_says_who_did_what(self):
        self.cluster.kubectl("create", "configmap", "audited")
        audit = [json.loads(line) for line in pathlib.Path(self.cluster.facts["audit_log"]).read_text().splitlines()]
        creations = {(one["user"]["username"], one["objectRef"]["resource"]) for one in audit
                     if one["verb"] == "create" and one.get("objectRef")}
        self.assertIn(("admin", "configmaps"), creations)
        self.assertIn(("system:serviceaccount:kube-system:replicaset-controller", "pods"), creations)
        self.assertIn(("system:node:node", "leases"), creations)

    def test_pod_security_refuses_what_a_namespace_forbids(self):
        self.cluster.kubectl("create", "namespace", "strict")
        self.cluster.kubectl("label", "namespace", "strict", "pod-security.kubernetes.io/enforce=restricted")
        refused = self.cluster.tool("kubectl", "run", "root", f"--image={IMAGE}", "--namespace=strict", check=False)
        self.assertIn('violates PodSecurity "restricted', refused.stderr)

    def test_what_is_owned_goes_with_its_owner_and_with_its_namespace(self):
        self.cluster.kubectl("create", "namespace", "short")
        there = "--namespace=short"
        self.cluster.kubectl("create", "deployment", "owner", f"--image={IMAGE}", there, "--", "sleep", "1000000")
        self.cluster.until_ready("deployment/owner", there)
        self.cluster.kubectl("delete", "deployment", "owner", there)
        wait_until("the end of its replica set", lambda: not self.cluster.get("replicasets", there)["items"])
        self.cluster.kubectl("create", "configmap", "inside", there)
        self.cluster.kubectl("delete", "namespace", "short", "--timeout=60s")

    def test_a_local_volume_keeps_what_a_stateful_set_writes_as_another_user(self):
        with tempfile.TemporaryDirectory(prefix="cloudflow-volume-") as volume:
            lives = pathlib.Path(volume) / "lives"
            self.cluster.apply(KEEPER % volume)
            self.cluster.until_ready("statefulset/keeper")
            self.cluster.kubectl("delete", "pod", "keeper-0")
            wait_until("its second life", lambda: lives.read_text() == "life\nlife\n")
            self.assertEqual((lives.stat().st_uid, pathlib.Path(volume).stat().st_gid), (1000, 2000))
            self.cluster.kubectl("delete", "statefulset", "keeper", "--cascade=foreground")
            self.cluster.kubectl("delete", "pvc/kept-keeper-0", "pv/kept", "--timeout=60s")

    def test_an_image_comes_from_the_registry_or_from_an_archive(self):
        archive = pathlib.Path(self.cluster.facts["programs"]).parent / "busybox.tar"
        pushed = f"{self.cluster.facts['registry']}/shell:1"
        with tempfile.TemporaryDirectory() as storage:
            buildah = ["buildah", "--root", storage, "--runroot", f"{storage}/run", "--storage-driver", "vfs"]
            for step in (["pull", f"oci-archive:{archive}"], ["push", "--tls-verify=false", IMAGE, pushed],
                         ["push", IMAGE, f"oci-archive:{storage}/archive.tar:localhost/loaded:1"]):
                subprocess.run([*buildah, *step], check=True, capture_output=True)
            self.cluster.tool("load", f"{storage}/archive.tar")
        for name, image in (("pushed", pushed), ("loaded", "localhost/loaded:1")):
            self.cluster.kubectl("run", name, f"--image={image}", "--restart=Never", "--", "echo", "hello")
            self.cluster.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", f"pod/{name}", "--timeout=60s")
            self.assertEqual(self.cluster.kubectl("logs", name), "hello\n")

    def test_kafka_is_reached_by_host_and_pods_at_one_address(self):
        address = self.cluster.facts["kafka"]
        listed = subprocess.run(["kcat", "-L", "-b", address], check=True, capture_output=True, text=True).stdout
        self.assertIn(f"at {address}", listed)
        self.cluster.shell(f"nc -w 5 {address.replace(':', ' ')} </dev/null")

    def test_helm_installs_a_chart_that_asks_for_a_version(self):
        with tempfile.TemporaryDirectory() as chart:
            pathlib.Path(chart, "templates").mkdir()
            for name, text in CHART.items():
                pathlib.Path(chart, name).write_text(text)
            self.cluster.tool("helm", "install", "by-helm", chart)
        self.assertTrue(self.cluster.get("configmap", "by-helm"))
        self.cluster.tool("helm", "uninstall", "by-helm")

    def test_up_of_a_running_cluster_says_so_at_once(self):
        began = time.monotonic()
        self.assertIn("runs already", self.cluster.up())
        self.assertLess(time.monotonic() - began, 2)

    def test_status_names_what_has_died_with_its_last_words_and_up_starts_it_and_pods_live_on(self):
        components = re.findall(r"runs, process (\d+)", self.cluster.tool("status").stdout)
        self.assertEqual(len(components), 9)
        for component in components:
            os.kill(int(component), signal.SIGKILL)
        self.assertEqual(self.cluster.tool("status", check=False).returncode, 1)
        self.assertRegex(self.cluster.tool("status", check=False).stdout,
                         r"kubelet +does not run; the end of .*kubelet.log:\n    \S")
        self.cluster.up()
        self.assertEqual(self.cluster.tool("status").returncode, 0)
        wait_until("a kubelet that has found its pods", lambda: "still here" in self.cluster.tool(
            "kubectl", "exec", "client", "--", "echo", "still here", check=False).stdout)


class OfItself(unittest.TestCase):
    """Beginning and end, and what is left."""

    def assert_down_leaves_nothing(self, cluster, before):
        of_the_cluster = namespaces(cluster.first_process()) - namespaces()
        self.assertEqual(len(of_the_cluster), 3)
        cluster.tool("down")
        self.assertFalse(cluster.directory.exists())
        wait_until("the end of its processes", lambda: not processes_of(cluster.directory))
        self.assertFalse(of_the_cluster & namespaces_in_use())
        after = traces()
        for kind, things in before.items():
            self.assertEqual(after[kind] - things, set(), kind)

    def test_two_run_side_by_side_and_one_of_them_ends(self):
        before = traces()
        with Cluster("--without-kafka") as one:
            one.apply(WEB)
            between = traces()
            with Cluster("--without-kafka") as other:
                self.assertNotEqual(one.facts["node"], other.facts["node"])
                other.start_client()
                self.assertEqual([], other.get("deployments")["items"])
                self.assert_down_leaves_nothing(other, between)
            self.assertEqual(one.tool("status").returncode, 0)
            one.until_ready("deployment/web")
            self.assert_down_leaves_nothing(one, before)

    def test_after_a_kill_of_everything_up_starts_anew_and_down_leaves_nothing(self):
        before = traces()
        with Cluster() as cluster:
            cluster.apply(WEB)
            cluster.until_ready("deployment/web")
            of_the_cluster = namespaces(cluster.first_process()) - namespaces()
            doomed = processes_of(cluster.directory)
            self.assertGreaterEqual(len(doomed), 4)  # unshare, the first process, Kafka and who watches it
            for process in doomed:
                with contextlib.suppress(OSError):  # it went with another
                    os.kill(process, signal.SIGKILL)
            wait_until("the end of the namespaces", lambda: not of_the_cluster & namespaces_in_use())
            self.assertEqual(cluster.tool("status", check=False).returncode, 1)
            cluster.up()
            self.assertEqual(cluster.tool("status").returncode, 0)
            self.assertEqual([], cluster.get("deployments")["items"])
            self.assert_down_leaves_nothing(cluster, before)
            cluster.tool("down")

    def test_a_directory_of_something_else_is_left_alone(self):
        with tempfile.TemporaryDirectory() as directory:
            letter = pathlib.Path(directory) / "letter.txt"
            letter.write_text("dear")
            done = subprocess.run([TOOL, "up", directory], capture_output=True, text=True, check=False)
            self.assertIn("neither empty nor the directory of a cluster", done.stderr)
            subprocess.run([TOOL, "down", directory], capture_output=True, check=False)
            self.assertEqual(letter.read_text(), "dear")


if __name__ == "__main__":
    unittest.main()
