// What a page sends along with its questions, and what it does when its session has ended.
(function () {
    "use strict";
    var ask = window.fetch;

    window.fetch = function (resource, options) {
        var link = /^\/shared\/([A-Za-z0-9_-]{43})$/.exec(location.pathname);
        var ours = typeof resource === "string" && (resource[0] === "/" || resource.indexOf(location.origin + "/") === 0);
        if (link && ours) {
            var headers = new Headers((options && options.headers) || {});
            headers.set("X-RiskControl-Link", link[1]);
            options = Object.assign({}, options, { headers: headers });
        }
        return ask.call(this, resource, options).then(function (response) {
            if (ours && response.status === 401) {
                if (link) {
                    location.reload(); // it says that the link was taken back
                } else {
                    location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
                }
                return new Promise(function () {}); // the page is being left: nobody waits for an answer
            }
            return response;
        });
    };
})();
