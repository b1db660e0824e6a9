// Files into and out of a sandbox: whole or not at all, links, modes, hostile names, nothing outside.
#include <sys/stat.h>

#include "room.hpp"

using namespace room;
using rooms::protocol::Kind;

namespace {

rooms::Failure upload_fails(Provider& provider, const std::string& id, std::vector<MemoryFile> files) {
    MemorySource source(std::move(files));
    return failure_of([&] { provider.sandboxes.upload_files(id, source, provider.caller); });
}

void upload(Provider& provider, const std::string& id, std::vector<MemoryFile> files) {
    MemorySource source(std::move(files));
    provider.sandboxes.upload_files(id, source, provider.caller);
}

MemorySink download(Provider& provider, const std::string& id, const std::vector<std::string>& paths) {
    MemorySink sink;
    provider.sandboxes.download_files(id, paths, sink, provider.caller);
    return sink;
}

}  // namespace

TEST_CASE("files of every size arrive byte for byte, and come back so") {
    Provider provider;
    const std::string id = provider.create();
    std::vector<MemoryFile> files;
    for (const std::size_t size : {0UL, 1UL, 65'535UL, 65'536UL, 65'537UL, 262'144UL, 5'000'001UL}) {
        std::string content(size, '\0');
        for (std::size_t i = 0; i < size; ++i) {
            content[i] = static_cast<char>(i * 31 + i / 251);
        }
        files.push_back({Kind::file, files.size(), "deep/er/" + std::to_string(size), content, 0640});
    }
    MemorySource source(files);
    provider.sandboxes.upload_files(id, source, provider.caller);
    CHECK(source.operations_done.size() == files.size());
    CHECK(provider.run(id, "stat -c %a:%s deep/er/65537").out == "640:65537\n");
    std::vector<std::string> paths;
    for (const MemoryFile& file : files) {
        paths.push_back(file.path);
    }
    const MemorySink sink = download(provider, id, paths);
    REQUIRE(sink.files.size() == files.size());
    for (std::size_t i = 0; i < files.size(); ++i) {
        CHECK(sink.files[i].content == files[i].content);
        CHECK(sink.files[i].mode == 0640);
    }
}

TEST_CASE("a tree with empty directories, links, modes and hostile names") {
    Provider provider;
    const std::string id = provider.create();
    const std::string odd = "a b\n-\xff\"'";
    upload(provider, id,
           {{Kind::directory, 0, "tree", "", 0755},
            {Kind::directory, 0, "tree/empty", "", 0700, false},
            {Kind::directory, 0, "tree/closed", "", 0555, false},
            {Kind::file, 0, "tree/closed/inside", "x", 0400, false},
            {Kind::file, 0, "tree/" + odd, "odd", 0644, false},
            {Kind::symlink, 0, "tree/link", "../../etc/passwd", {}, false}});
    const Result seen =
        provider.run(id, "cd tree; readlink link; stat -c %a closed closed/inside empty; ls -A | wc -l");
    CHECK(seen.out == "../../etc/passwd\n555\n400\n700\n5\n");
    const MemorySink sink = download(provider, id, {"tree"});
    REQUIRE(sink.find("") != nullptr);
    CHECK(sink.find("")->kind == Kind::directory);
    REQUIRE(sink.find(odd) != nullptr);
    CHECK(sink.find(odd)->content == "odd");
    REQUIRE(sink.find("link") != nullptr);
    CHECK(sink.find("link")->kind == Kind::symlink);
    CHECK(sink.find("closed/inside")->content == "x");
    CHECK(sink.find("empty")->mode == 0700);
}

TEST_CASE("what stands in the way of an upload is said") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "mkdir directory; echo old > file; ln -s directory link; ln -s /nowhere/at/all dangling");
    const auto code = [&](Kind kind, const char* path) {
        return upload_fails(provider, id, {{kind, 0, path, "new", 0644}}).code;
    };
    CHECK(code(Kind::file, "directory") == BERTH_IS_DIRECTORY);
    CHECK(code(Kind::file, "link") == BERTH_IS_DIRECTORY);
    CHECK(code(Kind::directory, "file") == BERTH_NOT_DIRECTORY);
    CHECK(code(Kind::file, "file/below") == BERTH_NOT_DIRECTORY);
    CHECK(code(Kind::file, "../../../x") == BERTH_PATH_ESCAPE);
    CHECK(code(Kind::file, "/usr/bin/x") == BERTH_PERMISSION_DENIED);
    CHECK(code(Kind::file, "/etc/passwd") == BERTH_PERMISSION_DENIED);
    CHECK(code(Kind::file, "dangling") == BERTH_PERMISSION_DENIED);
    const rooms::Failure second =
        upload_fails(provider, id, {{Kind::file, 0, "fine", "1"}, {Kind::file, 1, "directory", "2"}});
    CHECK(second.index == 1);
    CHECK(second.path == "/workspace/directory");
    CHECK(provider.run(id, "cat fine file; ls -A | wc -l").out == "1old\n5\n");
}

TEST_CASE("a link named by the caller is followed, inside the sandbox only") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "mkdir real; ln -s real/target link; ln -s /etc/passwd out; chmod 700 real");
    upload(provider, id, {{Kind::file, 0, "link", "through", 0600}});
    CHECK(provider.run(id, "cat real/target; readlink link").out == "throughreal/target\n");
    const MemorySink sink = download(provider, id, {"out"});
    REQUIRE(sink.files.size() == 1);
    CHECK(sink.files[0].content.find("sandbox:x:1000") != std::string::npos);
}

TEST_CASE("an existing file is replaced whole; of an upload that breaks off nothing is left") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id, "echo old > file; ln file other");
    upload(provider, id, {{Kind::file, 0, "file", "new\n", 0600}, {Kind::file, 1, "file", "newer\n", 0600}});
    CHECK(provider.run(id, "cat file other").out == "newer\nold\n");
    class Breaking : public MemorySource {
    public:
        Breaking() : MemorySource({{Kind::file, 0, "file", std::string(1 << 20, 'x')}}) {}
        std::size_t read(char* buffer, std::size_t capacity) override {
            if (++reads_ > 3) {
                throw rooms::Failure{BERTH_CONFLICT, "the source changed", {}, 0, {}, {}, {}};
            }
            return MemorySource::read(buffer, capacity);
        }

    private:
        int reads_ = 0;
    } source;
    CHECK(failure_of([&] { provider.sandboxes.upload_files(id, source, provider.caller); }).code == BERTH_CONFLICT);
    CHECK(provider.run(id, "cat file; while [ $(ls -A | wc -l) != 2 ]; do sleep 0.02; done; ls -A").out ==
          "newer\nfile\nother\n");
}

TEST_CASE("a full disk is told, and no half file lies there") {
    Provider provider;
    const std::string id = provider.create();
    const rooms::Failure failure =
        upload_fails(provider, id, {{Kind::file, 0, "/run/big", std::string(80 << 20, 'x'), 0644}});
    CHECK(failure.code == BERTH_RESOURCE_EXHAUSTED);
    CHECK(provider.run(id, "ls -A /run | wc -l").out == "0\n");
}

TEST_CASE("downloads: missing, special, and special inside a directory") {
    Provider provider;
    const std::string id = provider.create();
    provider.run(id,
                 "mkdir d; mkfifo d/fifo; echo x > d/file; ln -s nowhere broken; chmod 4755 d/file; chmod 000 d/file");
    const auto code = [&](const char* path) {
        MemorySink sink;
        return failure_of([&] { provider.sandboxes.download_files(id, {path}, sink, provider.caller); }).code;
    };
    CHECK(code("missing") == BERTH_FILE_NOT_FOUND);
    CHECK(code("broken") == BERTH_FILE_NOT_FOUND);
    CHECK(code("d/fifo") == BERTH_UNSUPPORTED);
    CHECK(code("/dev/null") == BERTH_UNSUPPORTED);
    CHECK(code("d/file") == BERTH_PERMISSION_DENIED);
    CHECK(code("../../x") == BERTH_PATH_ESCAPE);
    provider.run(id, "chmod 4755 d/file");
    const MemorySink sink = download(provider, id, {"d"});
    CHECK(sink.skipped.at("fifo") == "a fifo");
    CHECK(sink.find("file")->mode == 0755);
}

TEST_CASE("ten thousand small files go in and come out") {
    Provider provider;
    const std::string id = provider.create();
    std::vector<MemoryFile> files{{Kind::directory, 0, "many", "", 0755}};
    for (int i = 0; i < 10'000; ++i) {
        files.push_back({Kind::file, 0, "many/" + std::to_string(i), std::string(1024, 'y'), 0644, false});
    }
    upload(provider, id, files);
    CHECK(provider.run(id, "ls -A many | wc -l").out == "10000\n");
    CHECK(download(provider, id, {"many"}).files.size() == 10'001);
}

TEST_CASE("a cancelled upload stops and leaves nothing half done") {
    Provider provider;
    const std::string id = provider.create();
    class Endless : public MemorySource {
    public:
        explicit Endless(TestCaller& caller) : MemorySource({{Kind::file, 0, "endless", ""}}), caller_(caller) {}
        std::size_t read(char* buffer, std::size_t capacity) override {
            if (++reads_ == 40) {
                caller_.cancel();
            }
            std::fill(buffer, buffer + capacity, 'z');
            return capacity;
        }

    private:
        TestCaller& caller_;
        int reads_ = 0;
    };
    TestCaller caller;
    Endless source(caller);
    CHECK(failure_of([&] { provider.sandboxes.upload_files(id, source, caller); }).code == BERTH_CANCELLED);
    CHECK(provider.run(id, "while [ $(ls -A | wc -l) != 0 ]; do sleep 0.02; done; echo none").out == "none\n");
}
