from pathlib import Path

from recommender.stack.machine import CgroupLimits, cgroup_limits, detect


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_this_machine_has_memory_and_a_core():
    machine = detect()
    assert machine.memory > 0
    assert machine.cores >= 1
    assert machine.shared_memory >= 0


def test_the_lowest_limit_of_all_ancestors_counts(tmp_path):
    write(tmp_path / "memory.max", "max\n")
    write(tmp_path / "shop/memory.max", "2000\n")
    write(tmp_path / "shop/web/memory.max", "3000\n")
    write(tmp_path / "shop/web/cpu.max", "max 100000\n")
    write(tmp_path / "shop/cpu.max", "250000 100000\n")
    assert cgroup_limits("0::/shop/web\n", tmp_path) == CgroupLimits(memory=2000, cores=2)


def test_less_than_a_core_counts_as_one(tmp_path):
    write(tmp_path / "cpu.max", "50000 100000\n")
    assert cgroup_limits("0::/\n", tmp_path).cores == 1


def test_the_first_version_of_control_groups_is_understood(tmp_path):
    write(tmp_path / "memory/docker/memory.limit_in_bytes", "512\n")
    membership = "9:name=systemd:/\n4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n"
    assert cgroup_limits(membership, tmp_path) == CgroupLimits(memory=512, cores=None)


def test_a_container_that_sees_only_its_own_group_is_limited_too(tmp_path):
    write(tmp_path / "memory/memory.limit_in_bytes", "512\n")
    assert cgroup_limits("4:memory:/docker/abc\n", tmp_path).memory == 512


def test_no_control_groups_mean_no_limits(tmp_path):
    assert cgroup_limits("", tmp_path) == CgroupLimits(memory=None, cores=None)
