"use client";
import { useState } from "react";
import { total } from "./cart";

export default function Page() {
  const [items, setItems] = useState([]);
  return <button onClick={() => setItems([...items, { price: 1 }])}>{total(items)}</button>;
}
