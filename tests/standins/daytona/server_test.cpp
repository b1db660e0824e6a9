// Both servers of the program: each at its place, and nobody is let in without the key.
#include "scene.hpp"

using namespace standin_test;

TEST_CASE("the toolbox is at another port than the API, and both want the key") {
    const Scene scene;
    CHECK(scene.port() != scene.toolbox_port());
    const auto id = scene.sandbox("one");
    CHECK(scene.get("one")["toolboxProxyUrl"] == scene.about("toolbox_url"));
    CHECK(scene.toolbox(id, "GET", "/version").json()["version"] == "0.218.0");
    for (const auto& headers : {Headers(), Headers{{"authorization", "Bearer wrong"}}}) {
        RawClient api(scene.port());
        api.send("GET", "/api/sandbox", headers, "");
        const auto refused = api.receive();
        CHECK(refused.status == 401);
        CHECK(refused.json()["error"] == "Unauthorized");
        RawClient toolbox(scene.toolbox_port());
        toolbox.send("GET", Scene::toolbox_target(id, "/version"), headers, "");
        CHECK(toolbox.receive().status == 401);
    }
    CHECK(scene.toolbox("00000000-0000-4000-8000-000000000000", "GET", "/version").status == 401);
    CHECK(scene.toolbox("one", "GET", "/version").status == 401);  // a name is no id
}

TEST_CASE("a GET beside the API is answered by the dashboard") {
    const Scene scene;
    RawClient client(scene.port());
    client.send("GET", "/sandbox/one", scene.headers(), "");
    const auto page = client.receive();
    CHECK(page.status == 200);
    CHECK(page.header("content-type") == "text/html; charset=utf-8");
    CHECK(scene.call("GET", "/nonsense").json()["message"] == "Cannot GET /api/nonsense");
}
