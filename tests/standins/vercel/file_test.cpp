// Files: read, written as tar.gz, directories made, each with the sandbox's own paths and rights.
#include <cstdio>
#include <memory>

#include "scene.hpp"

using namespace standin_test;

namespace {

/// A tar.gz made by the machine's tar, of files that a shell script makes in an empty directory.
std::string archive(const std::string& script) {
    const auto command =
        "d=$(mktemp -d) && cd $d && (" + script + ") && tar -cz --owner=0 --group=0 * && cd / && rm -rf $d";
    const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
    std::string bytes;
    char buffer[4096];
    while (const auto count = std::fread(buffer, 1, sizeof buffer, pipe.get())) {
        bytes.append(buffer, count);
    }
    return bytes;
}

Reply write(const Scene& scene, const std::string& id, const std::string& directory, const std::string& body) {
    const Headers headers{
        {"authorization", "Bearer standin-token"}, {"content-type", "application/gzip"}, {"x-cwd", directory}};
    return scene.call_raw("POST", scene.target(Scene::session(id, "/fs/write")), headers, body);
}

}  // namespace

TEST_CASE("an archive is unpacked where x-cwd says, with missing directories and modes, as the sandbox's user") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto body = archive("mkdir -p vercel/a/b && printf hello > vercel/a/b/run.sh && chmod 755 vercel/a/b/run.sh");
    const auto reply = write(scene, id, "/", body);
    CHECK(reply.status == 200);
    CHECK(reply.json() == Json::object());
    CHECK(output(scene.run(id, "stat -c '%a %U' a/b/run.sh; cat a/b/run.sh")) == "755 ubuntu\nhello");
    CHECK(write(scene, id, "/vercel/a", archive("printf more > x")).status == 200);
    CHECK(scene.read(id, "a/x").body == "more");
}

TEST_CASE("files go only where the sandbox's user may write") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(write(scene, id, "/", archive("mkdir opt && printf no > opt/file")).status == 400);
    CHECK(scene.read(id, "/opt/file").status == 404);
    CHECK(write(scene, id, "/", "this is no archive").status == 400);
    CHECK(scene.call("POST", Scene::session(id, "/fs/write"), Json::object()).status == 415);
}

TEST_CASE("a file comes down byte for byte") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(exit_code(scene.run(id, "head -c 3000000 /dev/urandom > big; sha256sum < big > sum")) == 0);
    const auto big = scene.read(id, "big");
    CHECK(big.header("content-type") == "application/octet-stream");
    CHECK(big.body.size() == 3000000);
    CHECK(write(scene, id, "/vercel", archive("printf x > y")).status == 200);
    CHECK(scene.call("POST", Scene::session(id, "/fs/read"), {{"path", "../vercel/y"}, {"cwd", "/tmp"}}).body == "x");
    CHECK(scene.read(id, "none").code() == "not_found");
    CHECK(scene.read(id, "/vercel").status == 400);
    CHECK(scene.call("POST", Scene::session(id, "/fs/read"), Json::object()).status == 400);
    CHECK(scene.call("POST", Scene::session(id, "/fs/read"), {{"path", "x"}, {"cwd", "/none"}}).status == 404);
}

TEST_CASE("a directory is made with its parents unless told otherwise") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto make = [&](const Json& body) {
        return scene.call("POST", Scene::session(id, "/fs/mkdir"), body).status;
    };
    CHECK(make({{"path", "a/b"}}) == 200);
    CHECK(make({{"path", "a/b"}}) == 200);
    CHECK(make({{"path", "c"}, {"cwd", "/vercel/a"}}) == 200);
    CHECK(make({{"path", "a/b"}, {"recursive", false}}) == 400);
    CHECK(make({{"path", "x/y"}, {"recursive", false}}) == 400);
    CHECK(make({{"path", "/opt/x"}}) == 400);
    CHECK(exit_code(scene.run(id, "[ -d a/b ] && [ -d a/c ]")) == 0);
}

TEST_CASE("a sandbox sees nothing of the machine's files but its programs") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(output(scene.run(id, "touch /usr/x 2>/dev/null || echo kept; ls /home; ls /sys 2>/dev/null | wc -l")) ==
          "kept\n0\n");
    CHECK(output(scene.run(id, "grep -c : /proc/net/dev")) == "1\n");  // its own loopback
}
