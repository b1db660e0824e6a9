// `berth cp`: files and directories in and out, whatever their names.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "berth_program.hpp"

using namespace berth_test;
namespace fs = std::filesystem;

TEST_CASE("a file there and back is the same, with its mode") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    const auto bytes = pattern(3'000'000);
    const auto file = workspace.file("in", bytes);
    fs::permissions(file, fs::perms(0750));
    CHECK(workspace.berth({"cp", file, sandbox + ":/workspace/new/place"}).exit_code == 0);
    const auto back = workspace.berth({"cp", sandbox + ":/workspace/new/place", workspace.path("out")});
    INFO(back.error);
    CHECK(back.exit_code == 0);
    CHECK(back.output.empty());
    CHECK(back.error.empty());
    CHECK(read_file(workspace.path("out")) == bytes);
    CHECK((fs::status(workspace.path("out")).permissions() & fs::perms(0777)) == fs::perms(0750));
}

TEST_CASE("a directory target is copied into, on both sides") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    const auto file = workspace.file("name.txt", "x");
    CHECK(workspace.berth({"exec", sandbox, "mkdir", "-p", "/workspace/d"}).exit_code == 0);
    CHECK(workspace.berth({"cp", file, sandbox + ":/workspace/d"}).exit_code == 0);
    CHECK(workspace.berth({"cp", file, sandbox + ":/workspace/fresh/"}).exit_code == 0);
    CHECK(workspace.berth({"exec", sandbox, "cat", "/workspace/d/name.txt", "/workspace/fresh/name.txt"}).output ==
          "xx");
    fs::create_directory(workspace.path("target"));
    CHECK(workspace.berth({"cp", sandbox + ":/workspace/d/name.txt", workspace.path("target")}).exit_code == 0);
    CHECK(read_file(workspace.path("target/name.txt")) == "x");
    CHECK(workspace.berth({"cp", sandbox + ":/workspace/d/name.txt", workspace.path("made") + "/"}).exit_code == 0);
    CHECK(read_file(workspace.path("made/name.txt")) == "x");
}

TEST_CASE("directories: as the target, into the target, or only what is in them") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    fs::create_directories(workspace.path("tree/sub/empty"));
    workspace.file("tree/a", "1");
    workspace.file("tree/sub/b", "2");
    fs::create_symlink("../a", workspace.path("tree/sub/link"));
    CHECK(workspace.berth({"cp", workspace.path("tree"), sandbox + ":/workspace/t"}).exit_code ==
          0);  // not there: becomes it
    CHECK(workspace.berth({"cp", workspace.path("tree"), sandbox + ":/workspace/t"}).exit_code == 0);  // there: into it
    CHECK(workspace.berth({"cp", workspace.path("tree") + "/.", sandbox + ":/workspace/t"}).exit_code == 0);
    const auto found =
        workspace.berth({"exec", sandbox, "sh", "-c", "cd /workspace/t && find . | sort && readlink sub/link"});
    CHECK(found.output ==
          ".\n./a\n./sub\n./sub/b\n./sub/empty\n./sub/link\n./tree\n./tree/a\n./tree/sub\n./tree/sub/b\n"
          "./tree/sub/empty\n./tree/sub/link\n../a\n");
    CHECK(workspace.berth({"cp", sandbox + ":/workspace/t/tree", workspace.path("back")}).exit_code == 0);
    CHECK(read_file(workspace.path("back/sub/b")) == "2");
    CHECK(fs::is_directory(workspace.path("back/sub/empty")));
    CHECK(fs::read_symlink(workspace.path("back/sub/link")) == "../a");
    CHECK(workspace.berth({"cp", sandbox + ":/workspace/t/tree", workspace.path("back")}).exit_code == 0);
    CHECK(read_file(workspace.path("back/tree/a")) == "1");
}

TEST_CASE("hostile names are kept byte for byte") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    fs::create_directory(workspace.path("names"));
    const Words names{"a b", "-rf", "new\nline", "quote'\"", "$HOME", "*", "\xff\xfe", "co:lon", "\xc3\xa4"};
    for (const auto& name : names) {
        workspace.file("names/" + name, name);
    }
    CHECK(workspace.berth({"cp", workspace.path("names"), sandbox + ":/workspace/n"}).exit_code == 0);
    CHECK(workspace.berth({"cp", sandbox + ":/workspace/n", workspace.path("again")}).exit_code == 0);
    for (const auto& name : names) {
        CAPTURE(name);
        CHECK(read_file(workspace.path("again/" + name)) == name);
    }
    Started how;
    how.directory = workspace.path("names");
    CHECK(workspace.berth({"cp", "--", "-rf", sandbox + ":/workspace/one"}, how).exit_code == 0);
    CHECK(workspace.berth({"cp", sandbox + ":/workspace/n/co:lon", "."}, how).exit_code == 0);
    CHECK(workspace.berth({"exec", sandbox, "cat", "/workspace/one"}).output == "-rf");
}

TEST_CASE("what is missing is named, and nothing empty is left") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    const auto up = workspace.berth({"cp", workspace.path("nothing"), sandbox + ":/workspace/x"});
    CHECK(up.exit_code == 125);
    CHECK(up.error.find("nothing") != std::string::npos);
    const auto down = workspace.berth({"-o", "json", "cp", sandbox + ":/no/such", workspace.path("x")});
    CHECK(down.exit_code == 125);
    CHECK(down.error.find("\"FILE_NOT_FOUND\"") != std::string::npos);
    CHECK_FALSE(fs::exists(workspace.path("x")));
}

TEST_CASE("one side has to be in a sandbox, and only one") {
    const Workspace workspace;
    CHECK(workspace.berth({"cp", "a", "b"}).error.find("neither side") != std::string::npos);
    CHECK(workspace.berth({"cp", "local/a:/x", "local/b:/y"}).error.find("both sides") != std::string::npos);
    CHECK(workspace.berth({"cp", "a", "b"}).exit_code == 125);
}

TEST_CASE("a fifo in a directory is left out and counted; named itself it is refused") {
    const Workspace workspace;
    const auto sandbox = workspace.create();
    CHECK(workspace.berth({"exec", sandbox, "sh", "-c", "mkdir d; mkfifo d/pipe; echo x > d/file"}).exit_code == 0);
    const auto ended = workspace.berth({"cp", sandbox + ":/workspace/d", workspace.path("d")});
    CHECK(ended.exit_code == 0);
    CHECK(ended.error.find("1 special file") != std::string::npos);
    CHECK(read_file(workspace.path("d/file")) == "x\n");
    CHECK(workspace.berth({"cp", sandbox + ":/workspace/d/pipe", workspace.path("p")}).exit_code == 125);
}
