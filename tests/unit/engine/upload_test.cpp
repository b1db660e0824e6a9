// What of the host's files reaches a provider: kinds, names, modes, order, and what is refused.
#include "engine/upload.hpp"

#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "fake_provider.hpp"
#include "temporary_directory.hpp"

using namespace berth_test;
using namespace std::string_literals;

namespace {

std::string read_all(FileSource& source, std::size_t piece = 1000) {
    std::string text;
    std::vector<std::byte> buffer(piece);
    while (const auto count = source.read(buffer))
        text.append(static_cast<const char*>(static_cast<const void*>(buffer.data())), count);
    return text;
}

/// What a provider gets, a line for each entry: kind, path, octal mode, content or target.
std::vector<std::string> uploaded(const std::vector<FileOperation>& files) {
    Setting setting;
    std::vector<std::string> lines;
    setting.script->upload = [&](Call&, std::string_view, FileSource& source) {
        while (const auto entry = source.next()) {
            const std::string path(entry->path);
            char mode[16];
            std::snprintf(mode, sizeof mode, "%o", entry->mode.value_or(0));
            switch (entry->kind) {
                case FileEntry::Kind::file: {
                    const auto length = entry->length.value();
                    const auto content = read_all(source);
                    CHECK(length == content.size());
                    lines.push_back("file " + path + " " + mode + " " + content);
                    break;
                }
                case FileEntry::Kind::directory:
                    lines.push_back("directory " + path + " " + mode);
                    break;
                case FileEntry::Kind::symlink:
                    lines.push_back("link " + path + " -> " + std::string(entry->link_target));
                    break;
            }
            if (entry->top) lines.back() = "top " + lines.back();
        }
        for (std::uint64_t index = 0; index < files.size(); ++index)
            source.done(index);
    };
    setting.start()->upload_files(sandbox, files);
    return lines;
}

Error upload_failure(const std::vector<FileOperation>& files) {
    return failure_of([&] { return uploaded(files); });
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("an empty list is success without entering the plugin") {
    Setting setting;
    setting.start()->upload_files(sandbox, {});
    CHECK(setting.script->entered == 0);
}

TEST_CASE("a file arrives byte for byte with its mode") {
    const TemporaryDirectory temporary;
    const auto content = "a\0b\xFF\n"s;
    write_file(temporary / "f", content);
    ::chmod((temporary / "f").c_str(), 04751);
    CHECK(uploaded({{temporary / "f", "/t/f", {}, {}}}) == Lines{"top file /t/f 751 " + content});
    CHECK(uploaded({{temporary / "f", "t", 0600, {}}}) == Lines{"top file t 600 " + content});
}

TEST_CASE("an empty file and given content") {
    const TemporaryDirectory temporary;
    write_file(temporary / "empty", "");
    ::chmod((temporary / "empty").c_str(), 0644);
    CHECK(uploaded({{temporary / "empty", "/a", {}, {}}, {"", "/b", {}, "given"}, {"", "/c", 0755, ""}}) ==
          Lines{"top file /a 644 ", "top file /b 644 given", "top file /c 755 "});
}

TEST_CASE("a directory is walked, parents first, with empty ones, hidden ones and links as links") {
    const TemporaryDirectory temporary;
    std::filesystem::create_directories(temporary / "d/sub/empty");
    write_file(temporary / "d/.hidden", "h");
    write_file(temporary / "d/sub/x y\n\xFF", "odd");
    ::symlink("../outside", (temporary / "d/link").c_str());
    ::symlink("sub", (temporary / "d/to-directory").c_str());
    for (const auto* path : {"d", "d/sub", "d/sub/empty"})
        ::chmod((temporary / path).c_str(), 0700);
    for (const auto* path : {"d/.hidden", "d/sub/x y\n\xFF"})
        ::chmod((temporary / path).c_str(), 0640);
    const Lines expected{"top directory /t 700",       "file /t/.hidden 640 h",      "link /t/link -> ../outside",
                         "directory /t/sub 700",       "directory /t/sub/empty 700", "file /t/sub/x y\n\xFF 640 odd",
                         "link /t/to-directory -> sub"};
    CHECK(uploaded({{temporary / "d", "/t", {}, {}}}) == expected);
    CHECK(uploaded({{(temporary / "d") + "/", "/t/", {}, {}}}).at(1) == "file /t/.hidden 640 h");
}

TEST_CASE("permissions go to the files, and directories can be entered where they can be read") {
    const TemporaryDirectory temporary;
    std::filesystem::create_directories(temporary / "d/sub");
    write_file(temporary / "d/sub/f", "x");
    CHECK(uploaded({{temporary / "d", "/t", 0640, {}}}) ==
          Lines{"top directory /t 750", "directory /t/sub 750", "file /t/sub/f 640 x"});
}

TEST_CASE("a link that is named itself is followed") {
    const TemporaryDirectory temporary;
    write_file(temporary / "f", "content");
    ::chmod((temporary / "f").c_str(), 0600);
    ::symlink("f", (temporary / "link").c_str());
    CHECK(uploaded({{temporary / "link", "/t", {}, {}}}) == Lines{"top file /t 600 content"});
}

TEST_CASE("what is missing or no file is refused with index, path and how far it came") {
    const TemporaryDirectory temporary;
    write_file(temporary / "f", "x");
    const auto missing = upload_failure({{temporary / "f", "/a", {}, {}}, {temporary / "none", "/b", {}, {}}});
    CHECK(missing.code() == Code::file_not_found);
    CHECK(missing.fields().index == 1);
    CHECK(missing.fields().path == temporary / "none");
    CHECK(missing.fields().details.back().first == "operations_done");

    ::mkfifo((temporary / "fifo").c_str(), 0600);
    const auto fifo = upload_failure({{temporary / "fifo", "/a", {}, {}}});
    CHECK(fifo.code() == Code::unsupported);
    CHECK(fifo.fields().path == temporary / "fifo");
    std::filesystem::create_directories(temporary / "d");
    ::mkfifo((temporary / "d/fifo").c_str(), 0600);
    CHECK(upload_failure({{temporary / "d", "/a", {}, {}}}).fields().path == temporary / "d/fifo");
    CHECK(upload_failure({{"/dev/null", "/a", {}, {}}}).code() == Code::unsupported);
    CHECK(upload_failure({{(temporary / "f") + "/x", "/a", {}, {}}}).code() == Code::not_directory);
}

TEST_CASE("a failure before the first entry did nothing, a later one nobody knows") {
    const TemporaryDirectory temporary;
    write_file(temporary / "f", "x");
    const FileOperation good{temporary / "f", "/a", {}, {}};
    const FileOperation missing{temporary / "none", "/b", {}, {}};
    CHECK(upload_failure({missing, good}).fields().outcome == Outcome::none);
    CHECK(upload_failure({good, missing}).fields().outcome == Outcome::unknown);
    std::filesystem::create_directories(temporary / "d");
    ::mkfifo((temporary / "d/fifo").c_str(), 0600);
    CHECK(upload_failure({{temporary / "d", "/a", {}, {}}}).fields().outcome == Outcome::unknown);
}

TEST_CASE("a socket is refused") {
    const TemporaryDirectory temporary;
    const FileDescriptor socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    (temporary / "s").copy(address.sun_path, sizeof address.sun_path - 1);
    const void* untyped = &address;
    REQUIRE(::bind(socket.get(), static_cast<const sockaddr*>(untyped), sizeof address) == 0);
    CHECK(upload_failure({{temporary / "s", "/a", {}, {}}}).code() == Code::unsupported);
}

TEST_CASE("an unreadable file is PERMISSION_DENIED") {
    if (::geteuid() == 0) return;  // root reads everything; the run as an ordinary user shows it
    const TemporaryDirectory temporary;
    write_file(temporary / "f", "x");
    ::chmod((temporary / "f").c_str(), 0);
    CHECK(upload_failure({{temporary / "f", "/a", {}, {}}}).code() == Code::permission_denied);
}

TEST_CASE("a file that changes while it is copied is a conflict, never a mix") {
    const TemporaryDirectory temporary;
    const std::vector<FileOperation> files{{temporary / "f", "/a", {}, {}}};
    const std::vector<std::function<void()>> changes{
        [&] { write_file(temporary / "f", "short"); },
        [&] { write_file(temporary / "f", std::string(200'001, 'b')); },
        [&] {
            write_file(temporary / "f", std::string(200'000, 'b'));
            std::filesystem::last_write_time(temporary / "f",
                                             std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
        },
    };
    for (const auto& change : changes) {
        write_file(temporary / "f", std::string(200'000, 'a'));
        Setting setting;
        setting.script->upload = [&](Call&, std::string_view, FileSource& source) {
            REQUIRE(source.next());
            std::vector<std::byte> buffer(100'000);
            REQUIRE(source.read(buffer) == 100'000);
            change();
            (void)read_all(source);
        };
        const auto error = failure_of([&] { return setting.start()->upload_files(sandbox, files), 0; });
        CHECK(error.code() == Code::conflict);
        CHECK(error.fields().path == temporary / "f");
    }
}

TEST_CASE("a plugin that reads exactly the length learns of a change as well") {
    const TemporaryDirectory temporary;
    write_file(temporary / "f", "aaaa");
    Setting setting;
    setting.script->upload = [&](Call&, std::string_view, FileSource& source) {
        REQUIRE(source.next());
        std::vector<std::byte> buffer(4);
        write_file(temporary / "f", "bbbbbb");
        (void)source.read(buffer);
    };
    const std::vector<FileOperation> files{{temporary / "f", "/a", {}, {}}};
    CHECK(failure_of([&] { return setting.start()->upload_files(sandbox, files), 0; }).code() == Code::conflict);
}

TEST_CASE("a file can be read anew, and what is not read is skipped") {
    const TemporaryDirectory temporary;
    write_file(temporary / "f", "content");
    const std::vector<FileOperation> files{{temporary / "f", "/a", {}, {}}, {"", "/b", {}, "given"}};
    Setting setting;
    setting.script->upload = [](Call&, std::string_view, FileSource& source) {
        REQUIRE(source.next());
        CHECK(read_all(source, 3) == "content");
        CHECK(source.rewind());
        std::vector<std::byte> buffer(2);
        CHECK(source.read(buffer) == 2);
        REQUIRE(source.next());
        CHECK(read_all(source, 2) == "given");
        CHECK(source.rewind());
        CHECK(read_all(source) == "given");
        CHECK_FALSE(source.next());
        CHECK_FALSE(source.rewind());
    };
    setting.start()->upload_files(sandbox, files);
}

TEST_CASE("files that do not tell their length are copied whole") {
    const auto lines = uploaded({{"/proc/self/cmdline", "/a", {}, {}}});
    REQUIRE(lines.size() == 1);
    CHECK(lines.front().size() > std::string("top file /a 444 ").size());
}

TEST_CASE("the error of a plugin says how many operations were done") {
    Setting setting;
    setting.script->upload = [](Call&, std::string_view, FileSource& source) {
        (void)source.next();
        source.done(0);
        source.done(1);
        throw provider_error(Code::resource_exhausted, "disk full");
    };
    const std::vector<FileOperation> files{{"", "/a", {}, "1"}, {"", "/b", {}, "2"}, {"", "/c", {}, "3"}};
    const auto error = failure_of([&] { return setting.start()->upload_files(sandbox, files), 0; });
    CHECK(error.code() == Code::resource_exhausted);
    CHECK(error.fields().details.back() == std::pair("operations_done"s, "2"s));
}

TEST_CASE("progress says how far it is, and a cancel stops the walk") {
    const std::vector<FileOperation> files{{"", "/a", {}, std::string(5000, 'x')}, {"", "/b", {}, "yy"}};
    Setting setting;
    setting.script->upload = [](Call&, std::string_view, FileSource& source) {
        while (source.next())
            (void)read_all(source);
    };
    std::uint64_t last = 0;
    std::stop_source stop;
    CallOptions options;
    options.progress = [&](std::string_view, std::uint64_t done, std::uint64_t total) {
        CHECK(done >= last);
        last = done;
        CHECK(total == 5002);
    };
    const auto host = setting.start();
    host->upload_files(sandbox, files, options);
    CHECK(last == 5002);
    options.progress = [&](std::string_view, std::uint64_t, std::uint64_t) { stop.request_stop(); };
    options.stop = stop.get_token();
    CHECK(failure_of([&] { return host->upload_files(sandbox, files, options), 0; }).code() == Code::cancelled);
}

TEST_CASE("initial files come the same way") {
    const TemporaryDirectory temporary;
    write_file(temporary / "f", "content");
    Setting setting;
    std::string got;
    setting.script->create = [&](Call&, const SandboxConfig& config, FileSource& files, const Provider::InfoHandler&) {
        CHECK(config.initial_files.empty());
        while (const auto entry = files.next())
            got += std::string(entry->path) + "=" + read_all(files) + ";";
        SandboxInfo info;
        info.id = "x";
        return info;
    };
    CreateRequest request;
    request.config.initial_files = {{temporary / "f", "/a", {}, {}}, {"", "/b", {}, "given"}};
    const auto host = setting.start();
    (void)host->create(request);
    CHECK(got == "/a=content;/b=given;");
    request.config.initial_files.push_back({temporary / "none", "/c", {}, {}});
    const auto error = failure_of([&] { return host->create(request); });
    CHECK(error.code() == Code::file_not_found);
    CHECK(error.fields().index == 2);
}
