import { total } from "../../cart";

export async function GET() {
  return Response.json({ total: total([{ price: 1 }, { price: 2 }]) });
}
