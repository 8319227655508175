// The start of every page's behaviour. Each part is a small module that listens on the document, so that what htmx brings
// in later works without being set up again.
import { setUpRequests } from "regulars/requests";
import { setUpOverlays } from "regulars/overlays";
import { setUpToasts } from "regulars/toasts";
import { setUpPalette } from "regulars/palette";
import { setUpKeys } from "regulars/keys";
import { setUpLists } from "regulars/lists";
import { setUpLook } from "regulars/look";
import { setUpCharts } from "regulars/charts";
import { setUpSmall } from "regulars/small";
import { setUpPasskeys } from "regulars/passkeys";

for (const setUp of [
  setUpRequests, setUpOverlays, setUpToasts, setUpPalette, setUpKeys, setUpLists, setUpLook, setUpCharts, setUpSmall, setUpPasskeys,
]) setUp();
document.documentElement.dataset.ready = "1";
