// Snapshots of sandboxes from a template: what they changed of its root comes back as it was, for root and for an
// ordinary user, whose range of ids owns it; over that very state of the template and no other; and at the cost of what
// was changed.
#include <sys/wait.h>
#include <sys/xattr.h>

#include <cstring>
#include <fstream>

#include "snapshot_room.hpp"
#include "template_provider.hpp"

using namespace room;
namespace fs = std::filesystem;

namespace {

[[maybe_unused]] const bool able = need_range_of_ids();

// A tiny root with a tree to change, whose files have times that nothing made meanwhile has.
void make_root_to_change(const fs::path& root) {
    make_tiny_root(root);
    fs::copy_file(BERTH_ATTRIBUTE, root / "usr/bin/attribute");
    for (const char* name : {"gone", "moved/inner", "emptied", "filled", "closed", "kept/deep"}) {
        fs::create_directories(root / "tree" / name);
        std::ofstream(root / "tree" / name / "below") << name << "\n";
    }
    for (const char* name : {"deleted", "mode", "owner", "setuid", "linked", "grown"}) {
        std::ofstream(root / "tree" / name) << "template\n";
    }
    std::ofstream(root / "tree/large") << std::string(300'000, 'x') + "\n";
}

struct ChangingProvider : TemplateProvider {
    ChangingProvider() : TemplateProvider(with_root_to_change) {}
    static rooms::Settings with_root_to_change(rooms::Settings settings) {
        const fs::path root = fs::path(settings.state_directory).parent_path() / "template";
        make_root_to_change(root);
        settings.templates = {{"tiny", root.string()}};
        return settings;
    }
    [[nodiscard]] fs::path root() const { return directory.path() / "template"; }
    std::string snapshot(const std::string& id) { return sandboxes.create_snapshot(id, "s", caller); }
    void restore(const std::string& id, const std::string& snapshot) {
        sandboxes.restore_snapshot(id, snapshot, caller);
    }
    rooms::SnapshotRecord record_of(const std::string& snapshot) {
        for (const rooms::SnapshotRecord& record : sandboxes.list_snapshots()) {
            if (record.id == snapshot) {
                return record;
            }
        }
        FAIL("there is no such snapshot");
        return {};
    }
};

// Every way in which an overlay tells that something of the lower layer is another.
constexpr const char* change =
    "set -e; cd /tree; rm deleted; rm -r gone; rm -r emptied; mkdir emptied; rm -r filled; echo file > filled; "
    "rm grown; mkdir grown; echo new > grown/new; mv moved renamed; mv kept/deep kept/deeper; mkdir kept/deep; "
    "rm -r closed; mkdir closed; echo mine > closed/mine; chmod 000 closed; "
    "chmod 600 mode; chown 5:6 owner; chmod 4755 setuid; ln linked again; ln -s /etc/passwd soft; "
    "chmod 2750 kept; chown 7:8 kept; echo more >> large; "
    "mkdir mine; cd mine; echo one > one; ln one two; ln one ../three; mkfifo -m 640 queue; chown 9:9 queue; "
    "truncate -s 1T hollow; touch -d '2001-02-03 04:05:06.789' one; touch -h -d 2002-02-02 ../soft; "
    "cp /bin/id setgid; chown 0:1000 setgid; chmod 2755 setgid; chmod 1777 .";
// All that can be seen of it. A directory's own blocks are no business of anybody's.
constexpr const char* look =
    "cd /; ls -lARn --full-time tree etc data | grep -v ^total; "
    "cat tree/three tree/renamed/inner/below tree/closed/mine; grep more tree/large";
constexpr const char* destroy = "rm -rf /tree /etc/* /data; mkdir /tree /data; echo x > /tree/deleted; mkdir /other";

// A capability, here cap_net_bind_service, permitted and effective; as a root without a namespace's number writes it.
constexpr const char* capability = "0100000200040000000000000000000000000000";

}  // namespace

TEST_CASE("all that was changed in a template's root comes back, here and elsewhere, and survives a restart") {
    ChangingProvider provider;
    const std::string id = provider.create_tiny();
    const Result changed = provider.run(id, change);
    REQUIRE_MESSAGE(changed.end.exit_code == 0, changed.err);
    const std::string before = provider.run(id, look).out;
    CHECK(before.find("deleted") == std::string::npos);
    const std::string snapshot = provider.snapshot(id);
    CHECK(provider.run(id, look).out == before);
    for (int round = 0; round < 2; ++round) {
        provider.run(id, destroy);
        provider.restore(id, snapshot);
        CHECK(provider.run(id, look).out == before);
        CHECK(provider.run(id, "ls -d /other /tree/moved /tree/gone").out.empty());
        CHECK(provider.run(id, "ls -A /tree/grown /tree/emptied /tree/kept/deep").out ==
              "/tree/emptied:\n\n/tree/grown:\nnew\n\n/tree/kept/deep:\n");
    }
    (void)provider.sandboxes.restart(id, provider.caller);
    CHECK(provider.run(id, look).out == before);
    // Changes go on from there.
    CHECK(provider.run(id, "cd /tree; rm -r renamed grown; mkdir gone; ls -A gone; cat again; rm -r /tree; ls -d /tree")
              .out == "template\n");
    provider.sandboxes.destroy(id, provider.caller);
    const std::string other = provider.create_tiny();
    provider.restore(other, snapshot);
    CHECK(provider.run(other, look).out == before);
    CHECK(provider.run(other, "cd /tree; echo x > closed/more && rm -r closed && echo x >> again && cat linked").out ==
          "template\nx\n");
    CHECK(fs::exists(provider.root() / "tree/gone/below"));
    CHECK_FALSE(fs::exists(provider.root() / "tree/mine"));
    check_nothing_unfinished(provider, 1);
    provider.sandboxes.delete_snapshot(snapshot, provider.caller);
    check_nothing_unfinished(provider, 0);
}

TEST_CASE("a snapshot holds what was changed, not the template, and nothing of overlayfs' own") {
    ChangingProvider provider;
    const std::string id = provider.create_tiny();
    const rooms::Copied empty = provider.record_of(provider.snapshot(id)).copied;
    CHECK(empty.entries < 12);
    CHECK(empty.bytes < (64U << 10));
    provider.run(id, "echo x > /tree/mode; rm /tree/deleted; truncate -s 1T /tree/hollow; cat /tree/large > /new");
    const std::string snapshot = provider.snapshot(id);
    const rooms::Copied some = provider.record_of(snapshot).copied;
    CHECK(some.entries == empty.entries + 5);  // the directory tree, too
    CHECK(some.bytes >= empty.bytes + 300'000);
    CHECK(some.bytes < empty.bytes + 400'000);
    std::size_t of_template = 0;
    for ([[maybe_unused]] const auto& entry : fs::recursive_directory_iterator(provider.root())) {
        ++of_template;
    }
    CHECK(of_template > some.entries + 30);
    const fs::path trees = state_of(provider) / "snapshots" / snapshot / "root";
    CHECK(entries(trees) == 2);
    CHECK(entries(trees / "work") == 0);
}

TEST_CASE("attributes, access lists and capabilities come back, for whose ids they are") {
    ChangingProvider provider;
    const std::string id = provider.create_tiny();
    // Version 2: owner rw-, user 1000 r--, group ---, mask r--, others ---.
    const std::string list =
        "02000000"
        "01000600ffffffff"
        "02000400e8030000"
        "04000000ffffffff"
        "10000400ffffffff"
        "20000000ffffffff";
    const Result made = provider.run(
        id, "set -e; cd /tree; attribute set mode user.note 00ff0a; attribute set owner system.posix_acl_access " +
                list + "; attribute set kept system.posix_acl_default " + list +
                "; cp /bin/id able; attribute set able " + "security.capability " + capability);
    REQUIRE_MESSAGE(made.end.exit_code == 0, made.err);
    const std::string look_at =
        "cd /tree; attribute get mode user.note; attribute get owner system.posix_acl_access; "
        "attribute get kept system.posix_acl_default; attribute get able security.capability; "
        "setpriv --reuid 1000 --regid 1000 --clear-groups cat owner";
    const std::string before = provider.run(id, look_at).out;
    CHECK(before == "00ff0a\n" + list + "\n" + list + "\n" + capability + "\ntemplate\n");
    const std::string snapshot = provider.snapshot(id);
    provider.run(id, destroy);
    provider.restore(id, snapshot);
    CHECK(provider.run(id, look_at).out == before);
    const std::string other = provider.create_tiny();
    provider.restore(other, snapshot);
    CHECK(provider.run(other, look_at).out == before);
    if (::geteuid() == 0) {
        // Outside it counts for the sandbox's root alone: version 3, with the number of that root.
        const rooms::Info info = provider.sandboxes.get(other);
        unsigned char value[64];
        REQUIRE(::getxattr((info.state_path + "/root/upper/tree/able").c_str(), "security.capability", value,
                           sizeof value) == 24);
        std::uint32_t root = 0;
        std::memcpy(&root, value + 20, sizeof root);
        CHECK(root == info.record.root->ids);
    }
}

TEST_CASE("a hostile root gets nothing but itself into a snapshot, whatever it does meanwhile") {
    ChangingProvider provider;
    const std::string secret = provider.directory.path() / "secret";
    std::ofstream(secret) << "secret\n";
    const std::string id = provider.create_tiny();
    const Result made =
        provider.run(id, "set -e; mkdir /h; cd /h; ln -s / root; ln -s ../../../../../../../../.. up; ln -s " + secret +
                             " secret; mkdir links work upper 'a\nb' ' -rf *'; echo x > \"$(printf '\\377\\001')\"; "
                             "attribute socket sock; mkfifo queue; truncate -s 4T hollow; attribute deepen 1000");
    REQUIRE_MESSAGE(made.end.exit_code == 0, made.err);
    const std::string still = provider.snapshot(id);
    CHECK(provider.record_of(still).copied.skipped == 1);
    provider.run(id, "rm -rf /h");
    provider.restore(id, still);
    CHECK(provider
              .run(id,
                   "cd /h; readlink root up secret; ls -d links work upper; ls sock 2>/dev/null; stat -c %F queue; "
                   "test -d 'a\nb' -a -d ' -rf *' -a -e \"$(printf '\\377\\001')\" && echo odd; attribute depth")
              .out == "/\n../../../../../../../../..\n" + secret + "\nlinks\nupper\nwork\nfifo\nodd\n1000\n");
    provider.run(id, "mkdir -p /r/a/b /r/t; echo mine > /r/a/b/file; cd /r; while :; do mv a x; ln -s " +
                         provider.directory.path().string() +
                         " a; rm a; mv x a; mv a/b t/b; mv t/b a/b; done "
                         ">/dev/null 2>&1 &");
    int taken = 0;
    for (int round = 0; round < 4; ++round) {
        try {
            const std::string snapshot = provider.snapshot(id);
            ++taken;
            const std::string other = provider.create_tiny();
            provider.restore(other, snapshot);
            const std::string all = provider.run(other, "cat /r/*/secret /r/*/b/* /r/b/* /r/*/*").out;
            CHECK(all.find("secret") == std::string::npos);
            provider.sandboxes.destroy(other, provider.caller);
            provider.sandboxes.delete_snapshot(snapshot, provider.caller);
        } catch (const rooms::Failure& failure) {
            CHECK(failure.code == BERTH_CONFLICT);
        }
    }
    CHECK(taken > 0);
    check_nothing_unfinished(provider, 1);
}

TEST_CASE("a file that is written without a pause fails it, by its name, and leaves nothing") {
    ChangingProvider provider;
    const std::string id = provider.create_tiny();
    provider.run(id, "while :; do echo x; done > /tree/busy 2>/dev/null &");
    // On a busy machine the writer may not have its turn while its file is copied: that copy is whole, and the next tells.
    std::optional<rooms::Failure> failure;
    for (int round = 0; round < 50 && !failure; ++round) {
        try {
            provider.sandboxes.delete_snapshot(provider.snapshot(id), provider.caller);
        } catch (const rooms::Failure& thrown) {
            failure = thrown;
        }
    }
    REQUIRE(failure.has_value());
    CHECK(failure->code == BERTH_CONFLICT);
    CHECK(failure->path == "/tree/busy");
    CHECK_FALSE(failure->hint.empty());
    check_nothing_unfinished(provider, 0);
    CHECK(provider.sandboxes.get(id).state == rooms::State::ready);
}

TEST_CASE("cancelled or killed while it is copied: nothing is left, and nobody goes on copying") {
    for (const bool killed : {false, true}) {
        CAPTURE(killed);
        ChangingProvider provider;
        const std::string id = provider.create_tiny();
        // Keeps every copy from its end for a while.
        provider.run(
            id, "mkdir -p /a/b/c; chown 5 /a/b; echo x > /a/b/c/d; while :; do echo x; done > /busy 2>/dev/null &");
        const auto place_is_begun = [&] {
            for (const auto& entry : fs::directory_iterator(state_of(provider) / "snapshots")) {
                if (fs::exists(entry.path() / "root/upper")) {
                    return true;
                }
            }
            return false;
        };
        bool reached = false;
        if (killed) {
            const pid_t child = ::fork();
            if (child == 0) {
                rooms::Sandboxes own(provider.settings());
                ActingCaller caller([&] { return place_is_begun() ? (::_exit(9), true) : false; });
                (void)own.create_snapshot(id, "s", caller);
                ::_exit(0);
            }
            int status = 0;
            ::waitpid(child, &status, 0);
            REQUIRE(WEXITSTATUS(status) == 9);
            // Its helper sees that and ends; what it wrote till then goes at the latest with the next look.
            wait_until([&] {
                (void)provider.sandboxes.list_snapshots();
                return entries(state_of(provider) / "unfinished") == 0;
            });
        } else {
            ActingCaller caller([&] { return reached = reached || place_is_begun(); });
            CHECK(failure_of([&] { (void)provider.sandboxes.create_snapshot(id, "s", caller); }).code ==
                  BERTH_CANCELLED);
            CHECK(reached);
        }
        check_nothing_unfinished(provider, 0);
    }
}

// Enough that a restore takes longer than the time between two looks at its caller.
constexpr const char* many_files = "mkdir /many; i=0; while [ $i -lt 800 ]; do echo > /many/$i; i=$((i+1)); done";

// Restores in a child that ends itself as soon as it sees the new root half made. False: it was done before it looked.
bool killed_in_restore(const ChangingProvider& provider, const std::string& id, const std::string& snapshot,
                       const std::string& place) {
    const pid_t child = ::fork();
    if (child == 0) {
        rooms::Sandboxes own(provider.settings());
        ActingCaller caller([&] { return fs::exists(place + "/restore") ? (::_exit(9), true) : false; });
        own.restore_snapshot(id, snapshot, caller);
        ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFEXITED(status));
    return WEXITSTATUS(status) == 9;
}

TEST_CASE("a restorer that is killed in the middle: one whole root, and the next one finishes") {
    for (const bool restart_first : {false, true}) {
        ChangingProvider provider;
        const std::string id = provider.create_tiny();
        provider.run(id, std::string(many_files) + "; echo old > /tree/mode; rm /tree/deleted");
        const std::string snapshot = provider.snapshot(id);
        provider.run(id, "echo new > /tree/mode; echo new > /tree/deleted");
        const std::string place = provider.sandboxes.get(id).state_path;
        int tries = 0;
        while (!killed_in_restore(provider, id, snapshot, place)) {
            REQUIRE(++tries < 50);
            provider.run(id, "echo new > /tree/mode; echo new > /tree/deleted");
        }
        if (restart_first) {
            (void)provider.sandboxes.restart(id, provider.caller);
            check_nothing_unfinished(provider, 1);
        } else {
            check_nothing_unfinished(provider, 1);
            (void)provider.sandboxes.restart(id, provider.caller);
        }
        CHECK(provider.run(id, "cat /tree/mode; ls /tree/deleted").out == "old\n");
    }
}

TEST_CASE("a restore that fails late gives the old root back") {
    ChangingProvider provider;
    const std::string id = provider.create_tiny();
    provider.run(id, many_files);
    const std::string snapshot = provider.snapshot(id);
    provider.run(id, "echo new > /tree/mode; rm /tree/deleted");
    const std::string place = provider.sandboxes.get(id).state_path;
    bool reached = false;
    ActingCaller caller([&] { return reached = reached || fs::exists(place + "/restore"); });
    CHECK(failure_of([&] { provider.sandboxes.restore_snapshot(id, snapshot, caller); }).code == BERTH_CANCELLED);
    CHECK(reached);
    CHECK(provider.run(id, "cat /tree/mode; ls /tree/deleted").out == "new\n");
    check_nothing_unfinished(provider, 1);
}
