// The list below the bell folds itself away as menus do.
(function () {
    "use strict";

    function fold(event) {
        var list = document.getElementById("bell-list");
        var bell = document.getElementById("bell");
        if (!list || list.hidden || !bell) {
            return;
        }
        var inside = list.contains(event.target) || bell.contains(event.target);
        if (event.type === "keydown" ? event.key !== "Escape" : inside && !event.target.closest("#bell-list a")) {
            return;
        }
        bell.click();
        if (event.type === "keydown") {
            bell.focus();
        }
    }

    document.addEventListener("click", fold);
    document.addEventListener("keydown", fold);
})();
