// Sandboxes whose root comes from a template: writable as a whole, by a root of their own that is nobody outside, and
// without any trace in the template or in each other.
#include <sys/stat.h>

#include <fstream>

#include "attack.hpp"
#include "template_provider.hpp"

using namespace room;

namespace {

[[maybe_unused]] const bool able = need_range_of_ids();

std::string note_of_template() {
    std::ifstream note(tiny_root().path() / "tiny/etc/note");
    return {std::istreambuf_iterator<char>(note), {}};
}

}  // namespace

TEST_CASE("the whole root is writable by a root that is nobody outside") {
    TemplateProvider provider;
    const std::string id = provider.create_tiny();
    CHECK(provider.run(id, "id -u; id -g; id -un; echo $HOME; cat /etc/note").out ==
          "0\n0\nroot\n/root\nof the template\n");
    CHECK(provider
              .run(id,
                   "echo mine > /etc/note; echo new > /usr/bin/new; chown 5:6 /usr/bin/new; cat /etc/note; "
                   "stat -c %u:%g /usr/bin/new")
              .out == "mine\n5:6\n");
    CHECK(provider.run(id, "rm /data/one; mv /data/two /data/three; ls /data").out == "three\n");
    CHECK(provider.run(id, "pwd; touch file /tmp/file /run/file /root/file").end.exit_code == 0);
    CHECK(note_of_template() == "of the template\n");
    CHECK(std::filesystem::exists(tiny_root().path() / "tiny/data/two"));
    CHECK_FALSE(std::filesystem::exists(tiny_root().path() / "tiny/workspace"));
    const rooms::Record record = provider.sandboxes.get(id).record;
    REQUIRE(record.root.has_value());
    CHECK(record.root->ids >= 65'536);
    // As the host sees it, the file belongs to the range.
    if (::geteuid() == 0) {
        struct stat info {};
        REQUIRE(::stat((provider.sandboxes.get(id).state_path + "/root/upper/usr/bin/new").c_str(), &info) == 0);
        CHECK(info.st_uid == record.root->ids + 5);
        CHECK(info.st_gid == record.root->ids + 6);
    }
}

TEST_CASE("no process of a template's sandbox has an id of the host's") {
    TemplateProvider provider;
    const std::string id = provider.create_tiny();
    const rooms::Info info = provider.sandboxes.get(id);
    REQUIRE(info.first_process.has_value());
    std::ifstream status("/proc/" + std::to_string(*info.first_process) + "/status");
    bool looked = false;
    for (std::string line; std::getline(status, line);) {
        if (line.starts_with("Uid:") || line.starts_with("Gid:")) {
            looked = true;
            const std::string ids = "\t" + std::to_string(info.record.root->ids);
            CHECK(line.substr(4) == ids + ids + ids + ids);
        }
    }
    CHECK(looked);
}

TEST_CASE("two sandboxes of one template do not see each other") {
    TemplateProvider provider;
    const std::string one = provider.create_tiny();
    const std::string two = provider.create_tiny();
    provider.run(one, "echo private > /data/one; echo private > /workspace/file");
    CHECK(provider.run(two, "cat /data/one; ls /workspace").out == "1\n");
    if (::geteuid() == 0) {
        const std::uint32_t first = provider.sandboxes.get(one).record.root->ids;
        const std::uint32_t second = provider.sandboxes.get(two).record.root->ids;
        CHECK((first + 65'536 <= second || second + 65'536 <= first));
    }
}

TEST_CASE("capabilities count over the sandbox's own ids and nowhere else") {
    TemplateProvider provider;
    const std::string id = provider.create_tiny();
    CHECK(provider.run(id, "grep -E '^(Cap|NoNewPrivs)' /proc/self/status").out ==
          "CapInh:\t0000000000000000\nCapPrm:\t00000000800405fb\nCapEff:\t00000000800405fb\n"
          "CapBnd:\t00000000800405fb\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\n");
    CHECK(provider.run(id, "mount -t tmpfs none /tmp").end.exit_code != 0);
    CHECK(provider.run(id, "mount -o remount,rw /proc/sys").end.exit_code != 0);
    CHECK(provider.run(id, "mknod /tmp/disk b 8 0").end.exit_code != 0);
    CHECK(provider.run(id, "unshare --user true").end.exit_code != 0);
    CHECK(provider.run(id, "unshare --mount true").end.exit_code != 0);
    CHECK(provider.run(id, "echo 1 > /proc/sys/kernel/panic").end.exit_code != 0);
    CHECK(provider.run(id, "echo 1 > /proc/sys/user/max_user_namespaces").end.exit_code != 0);
    // Its root may become anybody, and nobody becomes root again.
    const std::string as_guest = "setpriv --reuid 1000 --regid 1000 --clear-groups ";
    CHECK(provider.run(id, as_guest + "id -u").out == "1000\n");
    CHECK(provider.run(id, as_guest + "grep -E '^Cap(Prm|Eff)' /proc/self/status").out ==
          "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n");
    CHECK(provider.run(id, "chmod 600 /etc/note; " + as_guest + "cat /etc/note").end.exit_code != 0);
    CHECK(provider.run(id, "cp /bin/id /bin/root-id; chmod 4755 /bin/root-id; " + as_guest + "/bin/root-id -u").out ==
          "1000\n");
}

TEST_CASE("user namespaces inside are there when the configuration allows them") {
    Provider provider([](rooms::Settings settings) {
        settings.user_namespaces = rooms::UserNamespaces::allowed;
        return with_tiny_root(std::move(settings));
    });
    rooms::CreateRequest request;
    request.template_name = "tiny";
    CHECK(provider.run(provider.create(request), "unshare --user id -u").out == "65534\n");
}

TEST_CASE("the first process is out of reach for its root, too") {
    TemplateProvider provider;
    const std::string id = provider.create_tiny();
    // It may count its descriptors, as their directory is its own, but neither follow nor read one.
    CHECK(provider.run(id, "for n in /proc/1/fd/*; do ls -L $n && echo seen; stat -c %N $n | grep -e '->'; done")
              .out.empty());
    CHECK(
        provider
            .run(id, "for n in /proc/1/fd/*; do (: < $n) && echo open; done; (: < /proc/1/root/etc/note) && echo open")
            .out.empty());
    CHECK(provider.run(id, "cat /proc/1/environ /proc/1/maps /proc/1/mem").end.exit_code != 0);
    CHECK(provider.run(id, "cp /proc/1/exe init").end.exit_code != 0);
    CHECK(provider.run(id, "kill -9 1; kill -15 1; echo here").out == "here\n");
    CHECK(provider.run(id, "ls /proc/self/fd").out == "0\n1\n2\n3\n");
    CHECK(provider.run(id, "cat /proc/net/unix | grep -c -v Num").out == "0\n");
}

TEST_CASE("files survive a restart, and links in the place of mounts lead nowhere") {
    TemplateProvider provider;
    const std::string id = provider.create_tiny();
    provider.run(id, "echo kept > /etc/kept; rm /data/one; echo kept > /workspace/file");
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(provider.run(id, "cat /etc/kept file; ls /data").out == "kept\nkept\ntwo\n");
    // Its root replaces the places that bubblewrap mounts on. They are its own to break, and are made good.
    const std::filesystem::path outside = provider.directory.path() / "outside";
    std::filesystem::create_directory(outside);
    REQUIRE(::chmod(outside.c_str(), 0777) == 0);
    TestSink ignored;
    const std::string state = provider.sandboxes.get(id).state_path;
    const std::string lines = "cd /; mkdir -p /data/x; ln -s /oldroot" + outside.string() +
                              " /data/link; "
                              "rm -r /workspace; ln -s /oldroot" +
                              outside.string() + "/made /workspace; echo done";
    CHECK(provider.run(id, Provider::command({"sh", "-c", lines})).out == "done\n");
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(std::filesystem::is_empty(outside));
    rooms::RunRequest look = Provider::shell("ls /proc/self/status /dev/null");
    look.directory = "/";
    CHECK(provider.run(id, look).out == "/dev/null\n/proc/self/status\n");
}

TEST_CASE("uploads, downloads and disk usage work on the sandbox's own part") {
    TemplateProvider provider;
    const std::string id = provider.create_tiny();
    const auto before = provider.sandboxes.usage(id, provider.caller).disk_bytes;
    REQUIRE(before.has_value());
    MemorySource files({{rooms::protocol::Kind::file, 0, "/usr/share/big", std::string(1 << 20, 'x')}});
    provider.sandboxes.upload_files(id, files, provider.caller);
    MemorySink sink;
    provider.sandboxes.download_files(id, {"/usr/share/big", "/etc/note"}, sink, provider.caller);
    REQUIRE(sink.files.size() == 2);
    CHECK(sink.files[0].content == std::string(1 << 20, 'x'));
    CHECK(sink.files[1].content == "of the template\n");
    const auto after = provider.sandboxes.usage(id, provider.caller).disk_bytes;
    REQUIRE(after.has_value());
    CHECK(*after >= *before + (1 << 20));
    CHECK(*after < *before + (2 << 20));  // the template does not count
}

TEST_CASE("nothing is left of a destroyed sandbox, or of one whose creator died") {
    TemplateProvider provider;
    const std::string id = provider.create_tiny();
    provider.run(id, "mkdir -p /a/b; chown -R 1000:1000 /a; chmod 000 /a/b; rm -r /data; mkdir /data");
    provider.sandboxes.destroy(id, provider.caller);
    const std::filesystem::path state = provider.directory.path() / "state" / "local";
    CHECK(std::filesystem::is_empty(state / "sandboxes"));
    CHECK(std::filesystem::is_empty(state / "unfinished"));
    if (::geteuid() == 0) {
        CHECK(std::filesystem::is_empty(provider.directory.path() / "uids"));
    }
    // As a crash in the middle of a create or destroy leaves it: noted, and removed by the next one who looks.
    const std::string other = provider.create_tiny();
    provider.run(other, "mkdir /a; chmod 000 /a");
    const rooms::Store store((provider.directory.path() / "state").string(), "local",
                             ::geteuid() == 0 ? rooms::Store::Accounts::own : rooms::Store::Accounts::ours);
    rooms::Record record = provider.sandboxes.get(other).record;
    record.stage = rooms::Stage::removing;
    {
        TestCaller caller;
        store.write(store.open(other), record);
        const rooms::Lock mark = store.begin(other, caller);
    }
    CHECK(provider.sandboxes.list(provider.caller).empty());
    CHECK(std::filesystem::is_empty(state / "sandboxes"));
}

TEST_CASE("the root of a template's sandbox is as shut in as anybody") {
    TemplateProvider provider;
    const std::string id = provider.create_tiny();
    attack::arm(provider, id);
    attack::expect(provider, id, R"(
        keyctl EPERM  mount EPERM  fsopen EPERM  setns EPERM  unshare_user EPERM  clone_user EPERM  clone3 ENOSYS
        bpf EPERM  perf_event_open EPERM  userfaultfd EPERM  io_uring_setup EPERM  open_by_handle_at EPERM
        socket_vsock EAFNOSUPPORT  socket_packet EAFNOSUPPORT  unknown_next ENOSYS  syslog EPERM  reboot EPERM
        first_trace EPERM  first_seize EPERM  first_memory EPERM  first_memory_file EACCES  first_environment EACCES
        first_maps EACCES  first_program EACCES  first_root EACCES  first_socket EACCES  first_take_descriptor EPERM
        first_enter EPERM  first_limit EPERM  first_nice EPERM  first_scheduler EPERM  first_affinity EPERM
        first_kill done  first_stop done  first_fault done
        anchor_trace EPERM  anchor_memory EPERM  anchor_memory_file EACCES  anchor_environment EACCES
        anchor_socket EACCES  anchor_take_descriptor EPERM  anchor_enter EPERM
        own_trace done  own_limit done  own_fork done
    )");
    CHECK(provider.run(id, "id -u").out == "0\n");
}
