// Files: one by one and many at once, each with the sandbox's own paths and rights.
#include "scene.hpp"

using namespace standin_test;

namespace {

using Parts = std::vector<std::pair<std::string, std::string>>;

Reply upload(const Scene& scene, const std::string& id, const Parts& parts) {
    std::string body;
    for (const auto& [name, content] : parts) {
        body += "--B\r\nContent-Disposition: form-data; name=\"" + name + "\"";
        if (name.find(".file") != std::string::npos) {
            body += "; filename=\"x\"\r\nContent-Type: application/octet-stream";
        }
        body += "\r\n\r\n" + content + "\r\n";
    }
    auto headers = scene.headers();
    headers[1].second = "multipart/form-data; boundary=B";
    RawClient client(scene.toolbox_port());
    client.send("POST", Scene::toolbox_target(id, "/files/bulk-upload"), headers, body + "--B--\r\n");
    return client.receive();
}

}  // namespace

TEST_CASE("many files are written where their path parts say, with folders made") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const std::string bytes("a\0b\r\n--C\r\n", 10);
    const auto done = upload(scene, id,
                             {{"files[0].path", "  /home/daytona/d/e/a.bin\n"},
                              {"files[0].file", bytes},
                              {"files[1].path", "rel.txt"},
                              {"files[1].file", ""}});
    CHECK(done.status == 200);
    CHECK(done.json()["files"] ==
          Json{{{"path", "/home/daytona/d/e/a.bin"}, {"bytes", 10}}, {{"path", "rel.txt"}, {"bytes", 0}}});
    CHECK(scene.toolbox(id, "GET", "/files/download?path=d/e/a.bin").body == bytes);
    CHECK(scene.output(id, "stat -c '%a %s' d d/e/a.bin rel.txt | cut -d' ' -f1") == "755\n644\n644\n");
}

TEST_CASE("a failed upload names errors and what is there nevertheless") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto done = upload(scene, id,
                             {{"files[0].file", "too early"},
                              {"files[0].path", "late.txt"},
                              {"files[1].path", "/opt/x/y"},
                              {"files[1].file", "no right"},
                              {"files[2].path", "good.txt"},
                              {"files[2].file", "here"}});
    CHECK(done.status == 400);
    CHECK(done.json()["files"] == Json{{{"path", "good.txt"}, {"bytes", 4}}});
    REQUIRE(done.json()["errors"].size() == 2);
    CHECK(done.json()["errors"][0] == "missing path metadata for files[0].file");
    CHECK(done.json()["errors"][1].get<std::string>().rfind("/opt/x/y: ", 0) == 0);
    CHECK(scene.output(id, "cat good.txt; ls") == "heregood.txt\n");
}

TEST_CASE("many files come down in parts, failures among them, whatever they contain") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const std::string tricky = "x\r\n--DAYTONA-FILE-BOUNDARY--\r\n";
    CHECK(upload(scene, id, {{"files[0].path", "b\xC3\xBC\xE2\x82\xAC.txt"}, {"files[0].file", tricky}}).status == 200);
    const Json wish{{"paths", {"b\xC3\xBC\xE2\x82\xAC.txt", "/none", ""}}};
    const auto whole = scene.toolbox(id, "POST", "/files/bulk-download", wish);
    CHECK(whole.status == 200);
    CHECK(whole.header("content-type") == "multipart/form-data; boundary=DAYTONA-FILE-BOUNDARY");
    CHECK(whole.body.rfind("--DAYTONA-FILE-BOUNDARY\r\nContent-Disposition: form-data; name=\"file\"; "
                           "filename=\"b\xFC_.txt\"; filename*=utf-8''b%C3%BC%E2%82%AC.txt\r\n"
                           "Content-Length: 30\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" +
                               tricky + "\r\n",
                           0) == 0);
    CHECK(whole.body.find("name=\"error\"; filename=\"/none\"") != std::string::npos);
    CHECK(whole.body.find("\"code\":\"FILE_NOT_FOUND\"") != std::string::npos);
    CHECK(whole.body.find("\"code\":\"INVALID_FILE_PATH\"") != std::string::npos);
    const std::string ending = "--DAYTONA-FILE-BOUNDARY--\r\n";
    CHECK(whole.body.substr(whole.body.size() - ending.size()) == ending);
    scene.behave({{"bulk_download_cut", true}});
    const auto cut = scene.toolbox(id, "POST", "/files/bulk-download", wish);
    CHECK(cut.status == 200);
    CHECK(cut.body + ending == whole.body);
}

TEST_CASE("files are described, listed, permitted, moved and removed") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    const auto call = [&](const std::string& method, const std::string& path) {
        return scene.toolbox(id, method, path);
    };
    CHECK(call("POST", "/files/folder?path=d/e&mode=755").status == 201);
    CHECK(call("POST", "/files/folder?path=d/e&mode=755").status == 201);
    CHECK(call("POST", "/files/folder?path=d/f&mode=rwx").status == 400);
    CHECK(scene.output(id, "printf hello > d/run.sh") == "");
    CHECK(call("POST", "/files/permissions?path=d/run.sh&mode=4755").status == 200);
    const auto info = call("GET", "/files/info?path=d/run.sh").json();
    CHECK(info["name"] == "run.sh");
    CHECK(info["size"] == 5);
    CHECK(info["isDir"] == false);
    CHECK(info["permissions"] == "4755");
    CHECK(info["mode"] == "-rwsr-xr-x");
    CHECK(info["owner"] == "1000");
    const auto all = call("GET", "/files?path=d").json();
    REQUIRE(all.size() == 2);
    CHECK(all[0]["name"] == "e");
    CHECK(all[0]["isDir"] == true);
    CHECK(call("GET", "/files?path=.&depth=2").json().size() == 3);
    CHECK(call("POST", "/files/move?source=d/run.sh&destination=d/e").status == 409);
    CHECK(call("POST", "/files/move?source=d/run.sh&destination=none/x").status == 404);
    CHECK(call("POST", "/files/move?source=d/run.sh&destination=d/e/other").status == 200);
    CHECK(call("DELETE", "/files?path=d").status == 400);
    CHECK(call("DELETE", "/files?path=d/e/other").status == 204);
    CHECK(call("DELETE", "/files?path=d&recursive=true").status == 204);
    CHECK(call("GET", "/files/info?path=d").json()["code"] == "FILE_NOT_FOUND");
    CHECK(call("POST", "/files/folder?path=/opt/x&mode=755").json()["code"] == "FILE_ACCESS_DENIED");
}

TEST_CASE("files are searched by content and by name, and texts in them replaced") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.output(id, "mkdir d; printf 'a.c\\nabc\\n' > d/one.txt; echo abc > d/two.md") == "");
    const auto found = scene.toolbox(id, "GET", "/files/find?path=d/one.txt&pattern=a.c").json();
    CHECK(found == Json{{{"file", "d/one.txt"}, {"line", 1}, {"content", "a.c"}}});
    CHECK(scene.toolbox(id, "GET", "/files/find?path=d&pattern=none").json() == Json::array());
    CHECK(scene.toolbox(id, "GET", "/files/search?path=d&pattern=*.md").json()["files"] == Json{"d/two.md"});
    const auto replaced = scene
                              .toolbox(id, "POST", "/files/replace",
                                       {{"files", {"d/one.txt", "none"}}, {"pattern", "abc"}, {"newValue", "x"}})
                              .json();
    CHECK(replaced[0] == Json{{"file", "d/one.txt"}, {"success", true}});
    CHECK(replaced[1]["success"] == false);
    CHECK(scene.output(id, "cat d/one.txt") == "a.c\nx\n");
}

TEST_CASE("a download has a status of its own, and takes ranges") {
    const Scene scene;
    const auto id = scene.sandbox("one");
    CHECK(scene.output(id, "printf 0123456789 > file") == "");
    CHECK(scene.toolbox(id, "GET", "/files/download?path=file").header("content-length") == "10");
    auto headers = scene.headers();
    headers.emplace_back("range", "bytes=4-");
    RawClient client(scene.toolbox_port());
    client.send("GET", Scene::toolbox_target(id, "/files/download?path=file"), headers, "");
    const auto rest = client.receive();
    CHECK(rest.status == 206);
    CHECK(rest.body == "456789");
    CHECK(rest.header("content-range") == "bytes 4-9/10");
    CHECK(scene.toolbox(id, "GET", "/files/download?path=none").status == 404);
    CHECK(scene.toolbox(id, "GET", "/files/download?path=/tmp").json()["code"] == "INVALID_FILE_PATH");
}

TEST_CASE("older daemons answer a failed file call with its status and nothing else") {
    const Scene scene;
    scene.behave({{"daemon_version", "0.190.0"}});
    const auto id = scene.sandbox("one");
    const auto failed = scene.toolbox(id, "GET", "/files/info?path=none");
    CHECK(failed.status == 404);
    CHECK(failed.body == "");
    const auto parts = scene.toolbox(id, "POST", "/files/bulk-download", {{"paths", {"none"}}});
    CHECK(parts.body.find("\r\n\r\nfile not found: none\r\n") != std::string::npos);
}
