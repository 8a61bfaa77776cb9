import "../a.ts??";
import "./b.ts?";
