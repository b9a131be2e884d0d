"""What tests of migrations share: two hosts that know each other."""
import contextlib

from ferrylab import hosts, scene
from ferrylab.place import Scratch


@contextlib.contextmanager
def two_hosts(ferry_tree, config="", **options):
    """[alpha, beta], which know each other."""
    with Scratch() as folder:
        group = hosts.Hosts(folder, ("alpha", "beta"), **options)
        group.up()
        try:
            group.put(ferry_tree, "/")
            pair = [group.each["alpha"], group.each["beta"]]
            scene.acquaint(pair, config)
            yield pair
        finally:
            group.down()


def migrate(host, other, guest, *options, limit_s=400):
    return host.sh(f"ferry migrate {guest} --to {other.name} {' '.join(options)}", limit_s=limit_s)


def log(host):
    return host("cat /var/log/ferryd.log")
