// What a sandbox sends, and what of it reaches the host: everything that is right, and nothing that is hostile.
#include "engine/download.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "engine/beneath.hpp"
#include "fake_provider.hpp"
#include "temporary_directory.hpp"

using namespace berth_test;
using namespace std::string_literals;

namespace {

using Kind = FileEntry::Kind;

/// One entry a sandbox sends; files with their content.
struct Sent {
    Kind kind;
    std::string path;
    std::string content;  ///< or a link's target
    unsigned mode = 0;    ///< 0: not told
    std::uint64_t operation = 0;
};

void send(FileSink& sink, const Sent& sent) {
    FileEntry entry;
    entry.kind = sent.kind;
    entry.operation = sent.operation;
    entry.path = sent.path;
    entry.top = sent.path.empty();
    if (sent.mode != 0) entry.mode = sent.mode;
    if (sent.kind == Kind::symlink) entry.link_target = sent.content;
    sink.begin(entry);
    if (sent.kind == Kind::file) sink.write(sent.content);
    sink.commit();
}

struct Download {
    Setting setting;
    std::vector<FileOperation> files;
    Download() = default;
    Download(const std::string& local, std::optional<unsigned> permissions)
        : files{{local, "/box/path", permissions, {}}} {}
    DownloadReport run(const std::function<void(FileSink&)>& act) {
        setting.script->download = [&](Call&, std::string_view, std::span<const std::string> paths, FileSink& sink) {
            REQUIRE(paths.size() == files.size());
            act(sink);
        };
        return setting.start()->download_files(sandbox, files);
    }
    DownloadReport run(const std::vector<Sent>& all) {
        return run([&](FileSink& sink) {
            for (const auto& sent : all)
                send(sink, sent);
        });
    }
};

Download to(const std::string& local, std::optional<unsigned> permissions = {}) {
    return Download(local, permissions);
}

Error refused(const std::string& local, const std::vector<Sent>& all) {
    return failure_of([&] { return to(local).run(all); });
}

const Sent top{Kind::directory, "", "", 0755};

}  // namespace

TEST_CASE("a file arrives whole, with its mode, and its parents are made") {
    const TemporaryDirectory temporary;
    const auto content = "a\0b\xFF"s;
    const auto report = to(temporary / "a/b/f").run({{Kind::file, "", content, 04755}});
    CHECK(content_of(temporary / "a/b/f") == content);
    CHECK(mode_of(temporary / "a/b/f") == 0755);
    CHECK(temporary.tree() == "a a/b a/b/f");
    CHECK(report.files == 1);
    CHECK(report.bytes == 4);
    (void)to(temporary / "a/b/f", 0600).run({{Kind::file, "", "new", 0755}});
    CHECK(content_of(temporary / "a/b/f") == "new");
    CHECK(mode_of(temporary / "a/b/f") == 0600);
}

TEST_CASE("a directory becomes the target, with empty ones, links and odd names") {
    const TemporaryDirectory temporary;
    const auto report = to(temporary / "out")
                            .run({{Kind::directory, "", "", 0750},
                                  {Kind::directory, "sub", "", 0555},
                                  {Kind::file, "sub/-rf \n\xFF", "x", 0640},
                                  {Kind::directory, "sub/empty", "", 0700},
                                  {Kind::symlink, "link", "../../etc/passwd"}});
    CHECK(mode_of(temporary / "out") == 0750);
    CHECK(mode_of(temporary / "out/sub") == 0555);
    CHECK(mode_of(temporary / "out/sub/empty") == 0700);
    CHECK(content_of(temporary / "out/sub/-rf \n\xFF") == "x");
    CHECK(std::filesystem::read_symlink(temporary / "out/link") == "../../etc/passwd");
    CHECK(report.files == 2);
    ::chmod((temporary / "out/sub").c_str(), 0755);
}

TEST_CASE("a target refused before anything was made did nothing, a later failure nobody knows") {
    const TemporaryDirectory temporary;
    const Sent file{Kind::file, "", "x", 0644};
    const auto at_once = refused(temporary / "", {file});
    CHECK(at_once.code() == Code::is_directory);
    CHECK(at_once.fields().outcome == Outcome::none);
    CHECK(refused("/proc/none/f", {file}).fields().outcome == Outcome::unknown);
    CHECK(refused(temporary / "out", {top, {Kind::file, "../f", "x"}}).fields().outcome == Outcome::unknown);
}

TEST_CASE("permissions go to the files, and directories can be entered where they can be read") {
    const TemporaryDirectory temporary;
    (void)to(temporary / "out", 0640).run({top, {Kind::file, "f", "x", 0777}, {Kind::directory, "d", "", 0700}});
    CHECK(mode_of(temporary / "out") == 0750);
    CHECK(mode_of(temporary / "out/d") == 0750);
    CHECK(mode_of(temporary / "out/f") == 0640);
}

TEST_CASE("a directory that is there is filled, and keeps its mode and its other files") {
    const TemporaryDirectory temporary;
    std::filesystem::create_directories(temporary / "out/sub");
    ::chmod((temporary / "out").c_str(), 0700);
    write_file(temporary / "out/mine", "mine");
    write_file(temporary / "out/sub/f", "old");
    (void)to(temporary / "out").run({top, {Kind::directory, "sub", "", 0700}, {Kind::file, "sub/f", "new"}});
    CHECK(mode_of(temporary / "out") == 0700);
    CHECK(content_of(temporary / "out/mine") == "mine");
    CHECK(content_of(temporary / "out/sub/f") == "new");
}

TEST_CASE("names that would leave the target are refused, and nothing is written") {
    const TemporaryDirectory temporary;
    for (const auto& name :
         {".."s, "../x"s, "a/../x"s, "a/../../x"s, "/etc/x"s, "/"s, "a//b"s, "a/"s, "."s, "a/."s, "./a"s, "a\0b"s}) {
        CAPTURE(name);
        for (const auto kind : {Kind::file, Kind::directory, Kind::symlink}) {
            const auto error = refused(temporary / "t/out", {top, {kind, name, "x"}});
            CHECK(error.code() == Code::path_escape);
            CHECK(error.diagnostic() == "BERTH-F-04");
            CHECK(error.fields().index == 0);
        }
    }
    CHECK(temporary.tree() == "t t/out");
}

TEST_CASE("nothing is written through a link, whoever made it") {
    const TemporaryDirectory temporary;
    std::filesystem::create_directories(temporary / "outside");
    std::filesystem::create_directories(temporary / "out");
    ::symlink("../outside", (temporary / "out/mine").c_str());
    CHECK(refused(temporary / "out", {top, {Kind::file, "mine/f", "x"}}).diagnostic() == "BERTH-F-05");
    CHECK(refused(temporary / "out", {top, {Kind::directory, "mine", ""}}).code() == Code::path_escape);
    CHECK(refused(temporary / "out", {top, {Kind::symlink, "theirs", "../outside"}, {Kind::file, "theirs/f", "x"}})
              .code() == Code::path_escape);
    CHECK(refused(temporary / "out", {top, {Kind::symlink, "up", ".."}, {Kind::directory, "up/made", ""}}).code() ==
          Code::path_escape);
    CHECK(std::filesystem::is_empty(temporary / "outside"));
    CHECK_FALSE(std::filesystem::exists(temporary / "made"));
}

TEST_CASE("a link where a file is to go is replaced, not followed") {
    const TemporaryDirectory temporary;
    write_file(temporary / "victim", "victim");
    std::filesystem::create_directories(temporary / "out");
    ::symlink("../victim", (temporary / "out/f").c_str());
    ::symlink("victim", (temporary / "named").c_str());
    (void)to(temporary / "out").run({top, {Kind::file, "f", "new"}});
    (void)to(temporary / "named").run({{Kind::file, "", "new"}});
    CHECK(content_of(temporary / "victim") == "victim");
    CHECK_FALSE(std::filesystem::is_symlink(temporary / "out/f"));
    CHECK(content_of(temporary / "named") == "new");
}

TEST_CASE("without openat2 the same walk refuses the same") {
    const TemporaryDirectory temporary;
    std::filesystem::create_directories(temporary / "out/a/b");
    write_file(temporary / "out/f", "x");
    ::symlink("a", (temporary / "out/link").c_str());
    const FileDescriptor root{::open((temporary / "out").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    for (const auto& open_directory : {open_directory_beneath, open_directory_stepwise}) {
        CHECK(open_directory(root.get(), "").descriptor);
        CHECK(open_directory(root.get(), "a/b").descriptor);
        CHECK(open_directory(root.get(), "link").error_number == ELOOP);
        CHECK(open_directory(root.get(), "link/b").error_number == ELOOP);
        CHECK(open_directory(root.get(), "f").error_number == ENOTDIR);
        CHECK(open_directory(root.get(), "none").error_number == ENOENT);
    }
}

TEST_CASE("without commit a file never existed") {
    const TemporaryDirectory temporary;
    const auto failing = [](FileSink& sink) {
        FileEntry entry;
        entry.top = true;
        sink.begin(entry);
        sink.write("half");
        throw provider_error(Code::unavailable, "connection lost");
    };
    CHECK(failure_of([&] { return to(temporary / "f").run(failing); }).code() == Code::unavailable);
    CHECK(temporary.tree().empty());
    write_file(temporary / "f", "old");
    CHECK(failure_of([&] { return to(temporary / "f").run(failing); }).code() == Code::unavailable);
    CHECK(content_of(temporary / "f") == "old");
    CHECK(temporary.tree() == "f");
}

TEST_CASE("what the provider itself does not find leaves no file behind") {
    const TemporaryDirectory temporary;
    const auto error = failure_of([&] {
        return to(temporary / "deep/f").run([](FileSink&) { throw provider_error(Code::file_not_found, "no"); });
    });
    CHECK(error.code() == Code::file_not_found);
    CHECK(temporary.tree().empty());
}

TEST_CASE("a file that came with fewer or more bytes than announced is a conflict") {
    const TemporaryDirectory temporary;
    for (const std::uint64_t length : {3U, 5U}) {
        const auto error = failure_of([&] {
            return to(temporary / "f").run([&](FileSink& sink) {
                FileEntry entry;
                entry.top = true;
                entry.length = length;
                sink.begin(entry);
                sink.write("four");
                sink.commit();
            });
        });
        CHECK(error.code() == Code::conflict);
    }
    CHECK(temporary.tree().empty());
}

TEST_CASE("success without everything that was asked for is the provider's fault") {
    const TemporaryDirectory temporary;
    CHECK(refused(temporary / "f", {}).code() == Code::protocol_error);
    const auto half = [](FileSink& sink) {
        send(sink, top);
        FileEntry entry;
        entry.path = "f";
        sink.begin(entry);
        sink.write("half");
    };
    CHECK(failure_of([&] { return to(temporary / "d").run(half); }).code() == Code::protocol_error);
    CHECK(temporary.tree() == "d");
}

TEST_CASE("an order that the contract excludes is the provider's fault") {
    const TemporaryDirectory temporary;
    const std::vector<std::vector<Sent>> wrong{
        {{Kind::file, "below", "x"}},                         // before its directory
        {{Kind::file, "", "x"}, {Kind::file, "below", "x"}},  // below a file
        {top, top},                                           // twice
        {{Kind::symlink, "", "target"}},                      // had to be followed
        {{Kind::file, "", "x", 0, 7}},                        // no such operation
    };
    for (std::size_t index = 0; index < wrong.size(); ++index)
        CHECK(refused(temporary / std::to_string(index), wrong[index]).code() == Code::protocol_error);
    CHECK(failure_of([&] { return to(temporary / "x").run([](FileSink& sink) { sink.write("x"); }); }).code() ==
          Code::protocol_error);
    CHECK(failure_of([&] { return to(temporary / "x").run([](FileSink& sink) { sink.commit(); }); }).code() ==
          Code::protocol_error);
}

TEST_CASE("a file does not replace a directory, nor a directory a file") {
    const TemporaryDirectory temporary;
    std::filesystem::create_directories(temporary / "d/sub");
    write_file(temporary / "f", "x");
    write_file(temporary / "d/f", "x");
    CHECK(refused(temporary / "d", {{Kind::file, "", "x"}}).code() == Code::is_directory);
    CHECK(refused((temporary / "new") + "/", {{Kind::file, "", "x"}}).code() == Code::is_directory);
    CHECK(refused(temporary / "f", {top}).code() == Code::not_directory);
    CHECK(refused(temporary / "d", {top, {Kind::file, "sub", "x"}}).code() == Code::is_directory);
    CHECK(refused(temporary / "d", {top, {Kind::directory, "f", ""}}).code() == Code::not_directory);
    CHECK(refused(temporary / "d", {top, {Kind::file, "f/below", "x"}}).code() == Code::not_directory);
    CHECK(temporary.tree() == "d d/f d/sub f");
}

TEST_CASE("directories nobody announced are made, as children show them") {
    const TemporaryDirectory temporary;
    (void)to(temporary / "out").run({top, {Kind::file, "a/b/c/f", "x"}, {Kind::file, "a/b/g", "y"}});
    CHECK(content_of(temporary / "out/a/b/c/f") == "x");
    CHECK(content_of(temporary / "out/a/b/g") == "y");
}

TEST_CASE("the same name twice: the later one wins") {
    const TemporaryDirectory temporary;
    (void)to(temporary / "out").run({top, {Kind::file, "f", "1"}, {Kind::file, "f", "2"}, {Kind::symlink, "f", "x"}});
    CHECK(std::filesystem::read_symlink(temporary / "out/f") == "x");
}

TEST_CASE("links with impossible targets are refused") {
    const TemporaryDirectory temporary;
    for (const auto& target : {""s, "a\0b"s, std::string(5000, 'x')})
        CHECK(refused(temporary / "out", {top, {Kind::symlink, "l", target}}).code() == Code::path_escape);
}

TEST_CASE("limits stop a bomb") {
    const TemporaryDirectory temporary;
    const auto limited = [&](DownloadLimits limits, const std::function<void(FileSink&)>& act) {
        auto download = to(temporary / "out");
        download.setting.options.configuration.defaults.download = limits;
        return failure_of([&] { return download.run(act); }).code();
    };
    const auto many = [](FileSink& sink) {
        send(sink, top);
        for (int index = 0; index < 10; ++index)
            send(sink, {Kind::directory, "d" + std::to_string(index), ""});
    };
    CHECK(limited({10, 1000}, many) == Code::resource_exhausted);
    const auto large = [](FileSink& sink) {
        send(sink, top);
        for (int index = 0; index < 11; ++index)
            send(sink, {Kind::file, "f", std::string(100, 'x')});
    };
    CHECK(limited({1000, 1000}, large) == Code::resource_exhausted);
    const auto announced = [](FileSink& sink) {
        send(sink, top);
        FileEntry sparse;
        sparse.path = "sparse";
        sparse.length = std::uint64_t{1} << 62U;
        sink.begin(sparse);
    };
    CHECK(limited({1000, 1000}, announced) == Code::resource_exhausted);
    const auto specials = [](FileSink& sink) {
        send(sink, top);
        FileEntry fifo;
        fifo.path = "fifo";
        for (int index = 0; index < 10; ++index)
            sink.skip(fifo, "a fifo");
    };
    CHECK(limited({10, 1000}, specials) == Code::resource_exhausted);
    CHECK(temporary.tree().find(".berth-") == std::string::npos);
}

TEST_CASE("special files are counted in a directory and refused by name") {
    const TemporaryDirectory temporary;
    FileEntry special;
    special.path = "fifo";
    const auto report = to(temporary / "out").run([&](FileSink& sink) {
        send(sink, top);
        sink.skip(special, "a fifo");
        sink.skip(special, "a socket");
    });
    CHECK(report.skipped_special_files == 2);
    special.path = "";
    special.top = true;
    const auto error =
        failure_of([&] { return to(temporary / "other").run([&](FileSink& sink) { sink.skip(special, "a fifo"); }); });
    CHECK(error.code() == Code::unsupported);
    CHECK(error.fields().path == "/box/path");
}

TEST_CASE("several operations, also interleaved, and how many were done when one fails") {
    const TemporaryDirectory temporary;
    Download download;
    download.files = {
        {temporary / "one", "/1", {}, {}}, {temporary / "two", "/2", {}, {}}, {temporary / "three", "/3", {}, {}}};
    (void)download.run({{Kind::directory, "", "", 0755, 0},
                        {Kind::file, "", "2", 0644, 1},
                        {Kind::file, "f", "1", 0644, 0},
                        {Kind::file, "", "3", 0644, 2}});
    CHECK(content_of(temporary / "one/f") == "1");
    CHECK(content_of(temporary / "two") == "2");
    const auto error = failure_of([&] {
        return download.run([](FileSink& sink) {
            send(sink, {Kind::directory, "", "", 0755, 0});
            send(sink, {Kind::file, "", "2", 0644, 1});
            throw provider_error(Code::unavailable, "gone");
        });
    });
    CHECK(error.fields().details.back() == std::pair("operations_done"s, "2"s));
}

TEST_CASE("a thousand small files in many directories") {
    const TemporaryDirectory temporary;
    const auto report = to(temporary / "out").run([](FileSink& sink) {
        send(sink, top);
        for (int index = 0; index < 1'000; ++index)
            send(sink, {Kind::file, "d" + std::to_string(index / 10) + "/f" + std::to_string(index), "content", 0644});
    });
    CHECK(report.files == 1'000);
    CHECK(content_of(temporary / "out/d99/f999") == "content");
}

TEST_CASE("a target that cannot be written says why") {
    const auto error = refused("/proc/none/f", {{Kind::file, "", "x"}});
    CHECK(error.fields().path == "/proc/none/f");
    CHECK(error.diagnostic() == "BERTH-F-06");
}
