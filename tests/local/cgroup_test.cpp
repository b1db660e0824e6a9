// Control group layouts as machines have them, hostile text, and what is written into a group: all against files of the
// test's own, for no machine has every layout.
#include "local/cgroup_layout.hpp"

#include <fstream>
#include <sstream>

#include "local/group_removal.hpp"
#include "local/sandbox_group.hpp"
#include "room.hpp"

using namespace room;
using rooms::CgroupLayout;
using rooms::CgroupPlace;
using rooms::CgroupVersion;
using rooms::Controller;

namespace {

constexpr const char* hybrid_mounts =
    "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
    "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
    "39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
    "40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd\n"
    "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";

constexpr const char* unified_mounts =
    "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

// A directory that looks like a group.
class FakeGroups {
public:
    void file(const std::string& path, const std::string& content) const {
        std::filesystem::create_directories((root() / path).parent_path());
        std::ofstream(root() / path) << content;
    }
    [[nodiscard]] std::string read(const std::string& path) const {
        std::ifstream stream(root() / path);
        std::stringstream text;
        text << stream.rdbuf();
        return text.str();
    }
    void v2_group(std::string path, const std::string& controllers, const std::string& processes = "",
                  const char* type = "domain\n") const {
        path += path.empty() ? "" : "/";
        file(path + "cgroup.controllers", controllers);
        file(path + "cgroup.procs", processes);
        file(path + "cgroup.subtree_control", "");
        if (type != nullptr) {
            file(path + "cgroup.type", type);
        }
    }
    [[nodiscard]] CgroupLayout layout(CgroupVersion version, const std::string& own) const {
        CgroupLayout layout;
        layout.places.fill(CgroupPlace{version, root().string(), own});
        return layout;
    }
    [[nodiscard]] std::filesystem::path root() const { return directory_.path(); }

private:
    TemporaryDirectory directory_;
};

// For root every file is writable: only an ordinary user is refused one.
void close_to_us(const std::filesystem::path& path) {
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
}

}  // namespace

TEST_CASE("hybrid: each controller is where v1 has it") {
    const CgroupLayout layout = rooms::parse_cgroup_layout(
        "12:cpu,cpuacct:/\n4:memory:/user.slice/a b\n8:pids:/\n9:name=systemd:/x\n0::/init\n", hybrid_mounts);
    CHECK(layout.of(Controller::memory) == CgroupPlace{CgroupVersion::v1, "/sys/fs/cgroup/memory", "/user.slice/a b"});
    CHECK(layout.of(Controller::cpu) == CgroupPlace{CgroupVersion::v1, "/sys/fs/cgroup/cpu,cpuacct", ""});
    CHECK(layout.of(Controller::pids) == CgroupPlace{CgroupVersion::v1, "/sys/fs/cgroup/pids", ""});
}

TEST_CASE("pure v2: all are in the one hierarchy") {
    const CgroupLayout layout = rooms::parse_cgroup_layout(
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope\n", unified_mounts);
    for (const Controller controller : rooms::every_controller) {
        CHECK(layout.of(controller) == CgroupPlace{CgroupVersion::v2, "/sys/fs/cgroup",
                                                   "/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope"});
    }
}

TEST_CASE("pure v1 in a container: the mount shows the container's own group as its root") {
    const CgroupLayout layout = rooms::parse_cgroup_layout(
        "4:memory:/docker/0f3c\n3:cpu,cpuacct:/docker/0f3c/inner\n",
        "60 50 0:32 /docker/0f3c /sys/fs/cgroup/memory ro,nosuid master:15 - cgroup cgroup rw,memory\n"
        "61 50 0:33 /docker/0f3c /sys/fs/cgroup/cpu\\040here ro - cgroup cgroup rw,cpu,cpuacct\n");
    CHECK(layout.of(Controller::memory) == CgroupPlace{CgroupVersion::v1, "/sys/fs/cgroup/memory", ""});
    CHECK(layout.of(Controller::cpu) == CgroupPlace{CgroupVersion::v1, "/sys/fs/cgroup/cpu here", "/inner"});
    CHECK_FALSE(layout.of(Controller::pids).has_value());
}

TEST_CASE("of several mounts the one that shows our own group counts") {
    const CgroupLayout layout = rooms::parse_cgroup_layout("0::/a/b\n",
                                                           "1 0 0:1 /c /other rw - cgroup2 c rw\n2 0 0:1 /a/b /near rw "
                                                           "- cgroup2 c rw\n3 0 0:1 / /whole rw - cgroup2 c rw\n");
    CHECK(layout.of(Controller::memory) == CgroupPlace{CgroupVersion::v2, "/whole", "/a/b"});
}

TEST_CASE("a group outside of our namespace, or of the mount, is not taken for ours") {
    const CgroupLayout outside = rooms::parse_cgroup_layout("0::/../x\n", unified_mounts);
    REQUIRE(outside.of(Controller::memory).has_value());
    CHECK_FALSE(outside.of(Controller::memory)->own.has_value());
    CHECK(rooms::find_cgroup_parent(outside, Controller::memory).reason.find("outside") != std::string::npos);
    const CgroupLayout elsewhere =
        rooms::parse_cgroup_layout("0::/abc\n", "1 0 0:1 /ab /sys/fs/cgroup rw - cgroup2 c rw\n");
    CHECK_FALSE(elsewhere.of(Controller::memory)->own.has_value());
}

TEST_CASE("malformed and hostile text counts as not there") {
    const std::vector<std::string> groups{
        "",       "\n\n",  "0",           "0:",    "0::",      "::",
        "0:::::", "0::\\", "4:memory:..", "x::/a", "0::/a/..", std::string(9000, ':')};
    const std::vector<std::string> mounts{"",
                                          " - ",
                                          "1 0 0:1 / /x rw - cgroup2",
                                          "1 0 0:1 / relative rw - cgroup2 c rw",
                                          "1 0 0:1 / /x\\9 rw - cgroup2 c rw",
                                          "1 0 0:1 / /x\\0 rw - cgroup2 c rw",
                                          "1 0 0:1 / /a/../../etc rw - cgroup2 c rw",
                                          "1 0 0:1 / /a\\000b rw - cgroup2 c rw",
                                          "1 0 0:1 / /a\\012b rw - cgroup2 c rw",
                                          "1 0 0:1 / /" + std::string(9000, 'x') + " rw - cgroup2 c rw",
                                          "1 0 0:1 / /x rw - tmpfs c rw,memory",
                                          std::string(100'000, ' ')};
    for (const std::string& group : groups) {
        for (const std::string& mount : mounts) {
            CAPTURE(group);
            CAPTURE(mount);
            const CgroupLayout layout = rooms::parse_cgroup_layout(group, mount);
            CHECK_FALSE(layout.of(Controller::memory).has_value());
            CHECK_FALSE(rooms::find_cgroup_parent(layout, Controller::memory).reason.empty());
        }
        const CgroupLayout layout = rooms::parse_cgroup_layout(group, unified_mounts);
        if (layout.of(Controller::memory)) {
            CHECK_FALSE(layout.of(Controller::memory)->own.has_value());
        }
    }
}

TEST_CASE("v2: the outermost group that has the controller and no processes of its own") {
    const FakeGroups groups;
    groups.v2_group("", "memory pids cpu\n", "1\n");
    groups.v2_group("user", "memory pids\n");
    groups.v2_group("user/app", "memory pids\n");
    groups.v2_group("user/app/shell", "memory pids\n", "77\n");
    const CgroupLayout layout = groups.layout(CgroupVersion::v2, "/user/app/shell");
    CHECK(rooms::find_cgroup_parent(layout, Controller::memory).path == groups.root() / "user");
    // The root that holds processes has a type here, so it is a container's root: not to be used.
    const rooms::CgroupParent cpu = rooms::find_cgroup_parent(layout, Controller::cpu);
    CHECK_FALSE(cpu);
    CHECK(cpu.reason.find("was not given the controller cpu") != std::string::npos);
    CHECK(cpu.reason.find("systemd-run") != std::string::npos);
    std::filesystem::remove(groups.root() / "cgroup.type");
    CHECK(rooms::find_cgroup_parent(layout, Controller::cpu).path == groups.root());
}

TEST_CASE("v2: a group that holds our own processes cannot hold limited groups, and the reason says so") {
    const FakeGroups groups;
    groups.v2_group("", "memory\n", "1\n");
    const rooms::CgroupParent parent =
        rooms::find_cgroup_parent(groups.layout(CgroupVersion::v2, ""), Controller::memory);
    CHECK_FALSE(parent);
    CHECK(parent.reason.find("holds processes itself") != std::string::npos);
    groups.v2_group("", "memory\n", "", "threaded\n");
    CHECK(rooms::find_cgroup_parent(groups.layout(CgroupVersion::v2, ""), Controller::memory).reason.find("threaded") !=
          std::string::npos);
}

TEST_CASE("systemd's delegation to a user: only what belongs to them is used") {
    if (::geteuid() == 0) {
        return;  // root may write everything; the run as an ordinary user tests this
    }
    const FakeGroups groups;
    groups.v2_group("", "memory pids cpu\n", "", nullptr);
    groups.v2_group("user.slice", "memory pids\n");
    groups.v2_group("user.slice/user@1000.service", "memory pids\n");
    groups.v2_group("user.slice/user@1000.service/app.slice", "memory pids\n", "5\n");
    close_to_us(groups.root() / "user.slice/cgroup.procs");
    close_to_us(groups.root() / "cgroup.subtree_control");
    const CgroupLayout layout = groups.layout(CgroupVersion::v2, "/user.slice/user@1000.service/app.slice");
    CHECK(rooms::find_cgroup_parent(layout, Controller::memory).path == groups.root() / "user.slice/user@1000.service");
    const CgroupLayout session = groups.layout(CgroupVersion::v2, "/user.slice");
    CHECK(rooms::find_cgroup_parent(session, Controller::memory).reason.find("belongs to another user") !=
          std::string::npos);
}

TEST_CASE("v1: any group of ours will do, and a kernel without CPU limits is told from one with them") {
    const FakeGroups groups;
    groups.file("cgroup.procs", "1\n");
    const CgroupLayout layout = groups.layout(CgroupVersion::v1, "");
    CHECK(rooms::find_cgroup_parent(layout, Controller::memory).path == groups.root());
    CHECK(rooms::find_cgroup_parent(layout, Controller::cpu).reason.find("CONFIG_CFS_BANDWIDTH") != std::string::npos);
    groups.file("cpu.cfs_quota_us", "-1\n");
    CHECK(rooms::find_cgroup_parent(layout, Controller::cpu).path == groups.root());
}

TEST_CASE("v2: limits are written as the kernel wants them, and controllers handed down on the way") {
    const FakeGroups groups;
    groups.v2_group("", "memory pids cpu\n", "", nullptr);
    for (const char* file : {"memory.max", "memory.swap.max", "cpu.max", "pids.max", "cgroup.subtree_control",
                             "main/cgroup.procs", "memory.stat"}) {
        groups.file(std::string("berth-x/") + file, "");
    }
    groups.file("berth-x/memory.events", "low 0\nmax 7\noom 3\noom_kill 2\noom_group_kill 9\n");
    rooms::SandboxGroup group;
    group.plan(groups.layout(CgroupVersion::v2, ""), "berth-x",
               {Controller::memory, Controller::cpu, Controller::pids});
    CHECK(group.text() == "v2 memory,cpu,pids " + (groups.root() / "berth-x").string() + "\n");
    group = rooms::SandboxGroup::parse(group.text());
    group.make();
    const rooms::GroupLimits given = group.limit({64ULL << 20, 12.3456, 20});
    CHECK(groups.read("berth-x/memory.max") == "67108864");
    CHECK(groups.read("berth-x/memory.swap.max") == "0");
    CHECK(groups.read("berth-x/cpu.max") == "12346 100000");
    CHECK(given.cpu_percent == doctest::Approx(12.346));
    CHECK(groups.read("berth-x/pids.max") == "20");
    CHECK(groups.read("cgroup.subtree_control") == "+pidsry");  // a plain file: "+memory", overwritten
    CHECK(groups.read("berth-x/cgroup.subtree_control") == "+pidsry");
    CHECK(group.joins().size() == 1);
    CHECK(group.out_of_memory_kills() == 2U);
    groups.file("berth-x/memory.current", "5000000\n");
    groups.file("berth-x/memory.stat", "anon 1\ninactive_file 1000000\nactive_file 3\n");
    CHECK(group.memory_bytes() == 4'000'000U);
}

TEST_CASE("v1: a group gets no more CPU than the one above it, and says what it got") {
    const FakeGroups groups;
    groups.file("cgroup.procs", "");
    groups.file("cpu.cfs_quota_us", "50000\n");
    groups.file("cpu.cfs_period_us", "100000\n");
    groups.file("berth-x/cpu.cfs_quota_us", "");
    groups.file("berth-x/cpu.cfs_period_us", "");
    rooms::SandboxGroup group;
    group.plan(groups.layout(CgroupVersion::v1, ""), "berth-x", {Controller::cpu});
    CHECK(group.limit({{}, 200.0, {}}).cpu_percent == doctest::Approx(50));
    CHECK(groups.read("berth-x/cpu.cfs_quota_us") == "50000");
    CHECK(group.limit({{}, 0.01, {}}).cpu_percent == doctest::Approx(1));  // the least that a kernel takes
    CHECK_FALSE(group.out_of_memory_kills().has_value());
}

TEST_CASE("v1: an old kernel is told to count what is below, and kills count where they happened") {
    const FakeGroups groups;
    groups.file("cgroup.procs", "");
    groups.file("berth-x/memory.use_hierarchy", "0\n");
    groups.file("berth-x/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
    groups.file("berth-x/main/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
    groups.file("berth-x/main/cgroup.procs", "");
    rooms::SandboxGroup group;
    group.plan(groups.layout(CgroupVersion::v1, ""), "berth-x", {Controller::memory});
    group.make();
    CHECK(groups.read("berth-x/memory.use_hierarchy") == "1\n");
    CHECK(group.joins().size() == 1);
    CHECK(group.out_of_memory_kills() == 3U);
}

TEST_CASE("groups go with all that is below them, and those that cannot go keep no other") {
    const FakeGroups groups;
    const std::filesystem::path top = groups.root() / "berth-x";
    std::filesystem::create_directories(top / "main" / "a" / "b");
    std::filesystem::create_directories(top / "run-1");
    groups.file("berth-x/held/below/file", "");
    CHECK_FALSE(rooms::remove_groups(top));
    CHECK_FALSE(std::filesystem::exists(top / "main"));
    CHECK_FALSE(std::filesystem::exists(top / "run-1"));
    CHECK(std::filesystem::exists(top / "held" / "below" / "file"));
    std::filesystem::remove(top / "held" / "below" / "file");
    CHECK(rooms::remove_groups(top));
    CHECK_FALSE(std::filesystem::exists(top));
    CHECK(rooms::remove_groups(top));
}

TEST_CASE("a limit that the kernel refuses is never taken for set") {
    const FakeGroups groups;
    groups.file("cgroup.procs", "");
    std::filesystem::create_directory(groups.root() / "berth-x");
    rooms::SandboxGroup group;
    group.plan(groups.layout(CgroupVersion::v1, ""), "berth-x", {Controller::memory});
    CHECK_THROWS_AS(group.limit({1U << 20, {}, {}}), rooms::Failure);
}

TEST_CASE("a note of groups that is none, or names something else, removes nothing") {
    CHECK(rooms::SandboxGroup::parse("").empty());
    CHECK(rooms::SandboxGroup::parse("v1\nv1 memory\nv2 memory /etc\n\n \n").empty());
    CHECK_FALSE(rooms::SandboxGroup::parse("v1 memory /sys/fs/cgroup/memory/berth-a b\n").empty());
}
