// Files between a plugin and the host's source or sink: order and form.
#include "provider/c_files.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "support.hpp"

using namespace berth;
using namespace berth_test;

namespace {

class Source final : public FileSource {
public:
    std::optional<FileEntry> next() override {
        if (at_ == entries.size()) return std::nullopt;
        return entries[at_++];
    }
    std::size_t read(std::span<std::byte> buffer) override {
        if (failure) throw *failure;
        if (buffer.empty() || std::exchange(read_, true)) return 0;
        buffer[0] = std::byte{'x'};
        return 1;
    }
    bool rewind() override { return repeatable && !std::exchange(read_, false) ? true : repeatable; }
    int pipe() override { return 77; }
    void done(std::uint64_t operation) override { done_with.push_back(operation); }

    std::vector<FileEntry> entries;
    std::optional<Error> failure;
    bool repeatable = false;
    std::vector<std::uint64_t> done_with;

private:
    std::size_t at_ = 0;
    bool read_ = false;
};

class Sink final : public FileSink {
public:
    void begin(const FileEntry& entry) override {
        if (failure) throw *failure;
        course += "b" + std::string(entry.path) + (entry.mode ? ":" + std::to_string(*entry.mode) : "") + ";";
    }
    void write(std::string_view bytes) override { course += "w" + std::string(bytes) + ";"; }
    void commit() override { course += "c;"; }
    void skip(const FileEntry& entry, std::string_view reason) override {
        course += "s" + std::string(entry.path) + ":" + std::string(reason) + ";";
    }
    std::string course;
    std::optional<Error> failure;
};

struct SourceFixture {
    FacedCall faced{{.method = "upload_files"}};
    Source source;
    FileSourceFace face{faced.face, source};
    berth_file_source* c = face.face();
    berth_file_entry entry{};
    char buffer[8] = {};
    std::uint64_t got = 99;
    SourceFixture() { entry.size = sizeof entry; }
};

struct SinkFixture {
    FacedCall faced{{.method = "download_files"}};
    Sink sink;
    FileSinkFace face{faced.face, sink, 2};
    berth_file_sink* c = face.face();
    berth_file_entry entry{};
    SinkFixture() {
        entry.size = sizeof entry;
        entry.kind = BERTH_FILE;
        entry.path = text("");
        entry.flags = BERTH_ENTRY_TOP;
    }
};

}  // namespace

TEST_CASE_FIXTURE(SourceFixture, "entries cross with what is known of them") {
    FileEntry file;
    file.top = true;
    file.path = "/w/a\xff";
    file.mode = 0640;
    file.length = 1;
    file.operation = 4;
    FileEntry link;
    link.kind = FileEntry::Kind::symlink;
    link.path = "/w/l";
    link.link_target = "../x";
    source.entries = {file, link};
    REQUIRE(c->next(c, &entry) == BERTH_OK);
    CHECK(entry.kind == BERTH_FILE);
    CHECK(entry.flags == (BERTH_ENTRY_TOP | BERTH_ENTRY_MODE_KNOWN));
    CHECK(entry.mode == 0640);
    CHECK(entry.operation == 4);
    CHECK(std::string(entry.path.data, entry.path.size) == "/w/a\xff");
    CHECK(entry.link_target.data == nullptr);
    CHECK(entry.length.present == 1);
    CHECK(c->read(c, buffer, sizeof buffer, &got) == BERTH_OK);
    CHECK(got == 1);
    CHECK(c->read(c, buffer, sizeof buffer, &got) == BERTH_END);
    CHECK(got == 0);
    CHECK(c->pipe(c) == 77);
    c->done(c, 4);
    CHECK(source.done_with == std::vector<std::uint64_t>{4});
    REQUIRE(c->next(c, &entry) == BERTH_OK);
    CHECK(entry.kind == BERTH_SYMLINK);
    CHECK(std::string(entry.link_target.data, entry.link_target.size) == "../x");
    CHECK(entry.length.present == 0);
    CHECK(c->next(c, &entry) == BERTH_END);
    CHECK(c->next(c, &entry) == BERTH_END);
    CHECK_FALSE(face.left_over());
    CHECK(breach_of(faced.face).empty());
}

TEST_CASE_FIXTURE(SourceFixture, "a file must be taken before it is read") {
    SUBCASE("read") {
        CHECK(c->read(c, buffer, sizeof buffer, &got) == BERTH_CONTRACT);
    }
    SUBCASE("rewind") {
        CHECK(c->rewind(c) == BERTH_CONTRACT);
    }
    SUBCASE("pipe") {
        CHECK(c->pipe(c) == -1);
    }
    SUBCASE("a directory has no bytes") {
        FileEntry directory;
        directory.kind = FileEntry::Kind::directory;
        source.entries = {directory};
        REQUIRE(c->next(c, &entry) == BERTH_OK);
        CHECK(c->read(c, buffer, sizeof buffer, &got) == BERTH_CONTRACT);
    }
    CHECK(breach_of(faced.face) == "BERTH-R-55");
}

TEST_CASE_FIXTURE(SourceFixture, "reading needs room, and an entry too") {
    source.entries = {FileEntry{}};
    berth_file_entry short_entry{};
    short_entry.size = sizeof short_entry - 8;
    CHECK(c->next(c, &short_entry) == BERTH_CONTRACT);
    CHECK(c->next(c, nullptr) == BERTH_CONTRACT);
    REQUIRE(c->next(c, &entry) == BERTH_OK);
    CHECK(c->read(c, nullptr, 8, &got) == BERTH_CONTRACT);
    CHECK(c->read(c, buffer, 0, &got) == BERTH_CONTRACT);
    CHECK(c->read(c, buffer, 8, nullptr) == BERTH_CONTRACT);
    CHECK(breach_of(faced.face) == "BERTH-R-56");
}

TEST_CASE_FIXTURE(SourceFixture, "a source that cannot be read twice says UNSUPPORTED, which the plugin may pass on") {
    source.entries = {FileEntry{}};
    REQUIRE(c->next(c, &entry) == BERTH_OK);
    CHECK(c->rewind(c) == BERTH_UNSUPPORTED);
    source.repeatable = true;
    CHECK(c->rewind(c) == BERTH_OK);
    const auto records = faced.face.take_records();
    REQUIRE(records.passed);
    CHECK(records.passed->error.code() == Code::unsupported);
    CHECK_FALSE(records.host_failure);
}

TEST_CASE_FIXTURE(SourceFixture, "a changed file ends the call with the host's own error") {
    source.entries = {FileEntry{}, FileEntry{}};
    source.failure = Error(Diagnostic{"BERTH-F-98", Code::conflict}, "changed");
    REQUIRE(c->next(c, &entry) == BERTH_OK);
    CHECK(c->read(c, buffer, sizeof buffer, &got) == BERTH_CONFLICT);
    CHECK(c->next(c, &entry) == BERTH_CONFLICT);
    CHECK(faced.face.take_records().host_failure->diagnostic() == "BERTH-F-98");
}

TEST_CASE_FIXTURE(SourceFixture, "after a cancel nothing more comes") {
    source.entries = {FileEntry{}};
    faced.call.cancel(CancelReason::caller);
    CHECK(c->next(c, &entry) == BERTH_CANCELLED);
    CHECK(c->pipe(c) == -1);
}

TEST_CASE_FIXTURE(SourceFixture, "an entry that was left is named") {
    FileEntry file;
    file.path = "/w/left";
    source.entries = {file};
    face.close();
    CHECK(face.left_over() == "/w/left");
}

TEST_CASE_FIXTURE(SinkFixture, "a file is begun, written and committed") {
    entry.flags |= BERTH_ENTRY_MODE_KNOWN;
    entry.mode = 06755;
    entry.length = {4, 1};
    CHECK(c->begin(c, &entry) == BERTH_OK);
    CHECK(c->write(c, bytes("ab")) == BERTH_OK);
    CHECK(c->write(c, bytes("")) == BERTH_OK);
    CHECK(c->write(c, bytes("cd")) == BERTH_OK);
    CHECK(c->commit(c) == BERTH_OK);
    CHECK(sink.course == "b:493;wab;wcd;c;");
    CHECK(face.missing_operation() == 1U);
    entry.operation = 1;
    entry.kind = BERTH_DIRECTORY;
    entry.length = {};
    CHECK(c->begin(c, &entry) == BERTH_OK);
    CHECK(c->commit(c) == BERTH_OK);
    CHECK_FALSE(face.missing_operation());
    face.close(BERTH_OK);
    CHECK(breach_of(faced.face).empty());
}

TEST_CASE_FIXTURE(SinkFixture, "what does not fit the order is CONTRACT") {
    SUBCASE("write before begin") {
        CHECK(c->write(c, bytes("x")) == BERTH_CONTRACT);
    }
    SUBCASE("commit before begin") {
        CHECK(c->commit(c) == BERTH_CONTRACT);
    }
    SUBCASE("write into a directory") {
        entry.kind = BERTH_DIRECTORY;
        REQUIRE(c->begin(c, &entry) == BERTH_OK);
        CHECK(c->write(c, bytes("x")) == BERTH_CONTRACT);
    }
    SUBCASE("write after commit") {
        REQUIRE(c->begin(c, &entry) == BERTH_OK);
        REQUIRE(c->commit(c) == BERTH_OK);
        CHECK(c->write(c, bytes("x")) == BERTH_CONTRACT);
    }
    SUBCASE("fewer bytes than announced") {
        entry.length = {2, 1};
        REQUIRE(c->begin(c, &entry) == BERTH_OK);
        REQUIRE(c->write(c, bytes("x")) == BERTH_OK);
        CHECK(c->commit(c) == BERTH_CONTRACT);
        CHECK(sink.course.find("c;") == std::string::npos);
    }
    SUBCASE("begun and left at OK") {
        REQUIRE(c->begin(c, &entry) == BERTH_OK);
        face.close(BERTH_OK);
    }
    CHECK(breach_of(faced.face) == "BERTH-R-55");
}

TEST_CASE_FIXTURE(SinkFixture, "an entry that is left when the method fails is no breach of its own") {
    REQUIRE(c->begin(c, &entry) == BERTH_OK);
    face.close(BERTH_UNAVAILABLE);
    CHECK(breach_of(faced.face).empty());
}

TEST_CASE_FIXTURE(SinkFixture, "malformed entries are CONTRACT and not handed on") {
    SUBCASE("kind 0") {
        entry.kind = 0;
    }
    SUBCASE("unknown kind") {
        entry.kind = 4;
    }
    SUBCASE("an item that was not asked for") {
        entry.operation = 2;
    }
    SUBCASE("NUL in the path") {
        entry.path = text(std::string_view("a\0b", 3));
    }
    SUBCASE("a path that no memory has") {
        entry.path = {"x", ~0ULL};
    }
    SUBCASE("too short") {
        entry.size = sizeof entry - 8;
    }
    CHECK(c->begin(c, &entry) == BERTH_CONTRACT);
    CHECK(sink.course.empty());
    CHECK(breach_of(faced.face) == "BERTH-R-56");
}

TEST_CASE_FIXTURE(SinkFixture, "special files are counted with their reason") {
    entry.path = text("pipe");
    CHECK(c->skip(c, &entry, text("a fifo\x1b")) == BERTH_OK);
    CHECK(sink.course == "spipe:a fifo\x1b;");
    CHECK(c->skip(c, nullptr, text("x")) == BERTH_CONTRACT);
}

TEST_CASE_FIXTURE(SinkFixture, "a full disk ends the call with the host's own error") {
    sink.failure = Error(Diagnostic{"BERTH-F-98", Code::resource_exhausted}, "disk full");
    CHECK(c->begin(c, &entry) == BERTH_RESOURCE_EXHAUSTED);
    CHECK(c->commit(c) == BERTH_RESOURCE_EXHAUSTED);
    CHECK(faced.face.take_records().host_failure->diagnostic() == "BERTH-F-98");
}
